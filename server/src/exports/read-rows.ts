import { type Kysely, sql } from 'kysely'
import type { Gate, ListQuestion } from '../database/list-reader.ts'
import type { Schema } from '../database/schema.ts'
import { streamParts } from '../database/stream.ts'

/** What a list is exported by: everything that it is asked by, but for the page. */
export type ExportQuestion = Pick<ListQuestion, 'orgId' | 'workspaceId' | 'mediumId' | 'months'>

/** A row as it is stored; what a file of these rows does not need is left out. */
export interface StoredRow {
  row: string
  birthday_month?: number | null
  negated_ltv?: string
}

/**
 * The list's rows in its order, all of them whatever the filter, in parts.
 *
 * @param db a snapshot
 * @param isWhole whether months and LTVs are read too
 */
export function readParts(
  db: Kysely<Schema>,
  orgId: number,
  { workspaceKey, channelKey, generation }: Gate,
  isWhole: boolean,
): AsyncGenerator<StoredRow[]> {
  const rows = db
    .selectFrom('vip_users as v')
    .select('v.row')
    .where('v.org_id', '=', orgId)
    .where('v.workspace_key', '=', workspaceKey)
    .where('v.channel_key', '=', channelKey)
    .where('v.generation', '=', generation)
    .orderBy('v.negated_ltv_micros')
    .orderBy('v.conversation_id')
  if (!isWhole) return streamParts<StoredRow>(db, 'export_rows', rows)
  const whole = rows.select(['v.birthday_month', sql<string>`cast(v.negated_ltv_micros as text)`.as('negated_ltv')])
  return streamParts<StoredRow>(db, 'export_rows', whole)
}
