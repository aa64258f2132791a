import { type Kysely, sql } from 'kysely'
import { type Gate, type ListPage, type ListQuestion, versionOf } from '../database/list-reader.ts'
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
  const { orgId, months } = question
  const gate = await readGate(db, question)
  if (!isOf(page, gate)) return null
  const { first, last } = keysOf(page)
  const firstRank = await rankOf(db, orgId, gate, first)
  const { rows } = await sql<{ place: number }>`
    /* vip-users.places */
    select p.place from (
      select v.birthday_month, row_number() over (order by v.negated_ltv_micros, v.conversation_id) as place
      from vip_users v
      where ${ofList(orgId, gate, 'v')} and (v.negated_ltv_micros, v.conversation_id) >= ${keyOf(first)}
        and (v.negated_ltv_micros, v.conversation_id) <= ${keyOf(last)}) p
    where ${months === 'any' ? sql`p.birthday_month is not null` : sql`p.birthday_month = ${months}`}
    order by p.place`.execute(db)
  return isOf(page, await readGate(db, question)) ? rows.map(({ place }) => firstRank + Number(place) - 1) : null
}

function isOf(page: ListPage, gate: Awaited<ReturnType<typeof readGate>>): gate is Gate {
  return typeof gate !== 'string' && versionOf(gate) === page.version
}

const keyOf = ({ negatedLtvMicros, conversationId }: RowKey) => sql`(${BigInt(negatedLtvMicros)}, ${conversationId})`

function keysOf({ items, ltvs = [] }: ListPage): { first: RowKey; last: RowKey } {
  const rows: { conversationId: string }[] = JSON.parse(`[${items}]`)
  const keyAt = (index: number) => ({
    negatedLtvMicros: String(-BigInt(ltvs.at(index) ?? 0)),
    conversationId: rows.at(index)?.conversationId ?? '',
  })
  return { first: keyAt(0), last: keyAt(-1) }
}
