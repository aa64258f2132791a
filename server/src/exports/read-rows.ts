import { type Kysely, sql } from 'kysely'
import type { Gate, ListQuestion } from '../database/list-reader.ts'
import type { Schema } from '../database/schema.ts'
import { streamRows } from '../database/stream.ts'
import type { ExportedRow } from './formats.ts'

/** What a list is exported by: everything that it is asked by, but for the page. */
export type ExportQuestion = Pick<ListQuestion, 'orgId' | 'workspaceId' | 'mediumId' | 'months'>

/**
 * The list's rows in its order, one by one.
 *
 * @param db a snapshot
 */
export async function* readRows(
  db: Kysely<Schema>,
  { orgId, months }: ExportQuestion,
  { workspaceKey, channelKey, generation }: Gate,
): AsyncGenerator<ExportedRow> {
  const query = db
    .selectFrom('vip_users as v')
    .select(['v.row', 'v.birthday_month', sql<string>`cast(v.negated_ltv_micros as text)`.as('negated_ltv')])
    .where('v.org_id', '=', orgId)
    .where('v.workspace_key', '=', workspaceKey)
    .where('v.channel_key', '=', channelKey)
    .where('v.generation', '=', generation)
    .orderBy('v.negated_ltv_micros')
    .orderBy('v.conversation_id')
  let rank = 0
  for await (const { row, birthday_month: month, negated_ltv } of streamRows<StoredRow>(db, 'export_rows', query)) {
    rank += 1
    // not by the query: the rank is that in the whole list
    const isAsked = months === null || (months === 'any' ? month !== null : month === months)
    if (isAsked) yield { row, rank, ltvMicros: -BigInt(negated_ltv) }
  }
}

interface StoredRow {
  row: string
  birthday_month: number | null
  negated_ltv: string
}
