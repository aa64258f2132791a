import { type Kysely, sql } from 'kysely'
import { type Gate, type ListPage, type ListQuestion, versionOf } from '../database/list-reader.ts'
import { rowsTable } from '../database/rows.ts'
import type { Schema } from '../database/schema.ts'
import type { RowKey } from './ranges.ts'
import { ofList, rankOf } from './rank.ts'
import { readGate } from './read-gate.ts'

/** Of the pages that the store keeps. */
const known = new WeakMap<ListPage, number[]>()

/**
 * Where the rows of a page stand in the whole list, 1-based. Of a page with a filter the rows between them are counted.
 *
 * @returns null where the list has moved on since the page was read
 */
export async function ranksOf(db: Kysely<Schema>, question: ListQuestion, page: ListPage): Promise<number[] | null> {
  const { months, offset } = question
  if (months === null || page.returned === 0)
    return Array.from({ length: page.returned }, (_, index) => offset + index + 1)
  const ranks = known.get(page) ?? (await countRanks(db, question, page))
  if (ranks && page.isKept) known.set(page, ranks)
  return ranks
}

async function countRanks(db: Kysely<Schema>, question: ListQuestion, page: ListPage): Promise<number[] | null> {
  const { orgId } = question
  const gate = await readGate(db, question)
  if (!isOf(page, gate)) return null
  const keys = keysOf(page)
  const [first, last] = [keys.at(0), keys.at(-1)] as [RowKey, RowKey] // a page that is not empty
  const firstRank = await rankOf(db, orgId, gate, first)
  // of the key alone: an index has it, and the rows are not read
  const { rows } = await sql<{ place: number }>`
    /* vip-users.places */
    select p.place from (
      select v.conversation_id, row_number() over (order by v.negated_ltv_micros, v.conversation_id) as place
      from vip_users v
      where ${ofList(orgId, gate, 'v')} and (v.negated_ltv_micros, v.conversation_id) >= ${keyOf(first)}
        and (v.negated_ltv_micros, v.conversation_id) <= ${keyOf(last)}) p
    where p.conversation_id in (
      select k.id from ${rowsTable(db, 'k', { id: 'text' }, keys.map(toId))})
    order by p.place`.execute(db)
  return isOf(page, await readGate(db, question)) ? rows.map(({ place }) => firstRank + Number(place) - 1) : null
}

function isOf(page: ListPage, gate: Awaited<ReturnType<typeof readGate>>): gate is Gate {
  return typeof gate !== 'string' && versionOf(gate) === page.version
}

const keyOf = ({ negatedLtvMicros, conversationId }: RowKey) => sql`(${BigInt(negatedLtvMicros)}, ${conversationId})`

const toId = ({ conversationId }: RowKey) => ({ id: conversationId })

function keysOf({ items, ltvs = [] }: ListPage): RowKey[] {
  const rows: { conversationId: string }[] = JSON.parse(`[${items}]`)
  return rows.map(({ conversationId }, index) => ({
    negatedLtvMicros: String(-BigInt(ltvs[index] ?? 0)),
    conversationId,
  }))
}
