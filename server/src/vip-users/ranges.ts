import { sql } from 'kysely'
import { rowsTable, updateEach } from '../database/rows.ts'
import type { Tx } from '../database/write.ts'

/** One generation of a list. */
export interface ListKey {
  workspaceKey: number
  channelKey: number
  generation: number
}

/** A place in list order: negated LTV, then conversation id as bytes. Both ascending. */
export interface RowKey {
  negatedLtvMicros: string
  conversationId: string
}

/** A row that came into a list (+1) or left it (−1). */
export interface CountChange extends RowKey {
  count: 1 | -1
  birthdayMonth: number | null
}

/** Before every row: where the first range of each list begins. */
const LOWEST: RowKey = { negatedLtvMicros: String(-(2n ** 63n)), conversationId: '' }
export const MONTHS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] as const

const monthColumns = MONTHS.map((month) => `month_${month}` as const)
const eachMonth = <T>(value: (index: number) => T) =>
  Object.fromEntries(monthColumns.map((name, index) => [name, value(index)])) as Record<
    (typeof monthColumns)[number],
    T
  >
const monthTypes = eachMonth(() => 'bigint' as const)
const RANGE_TYPES = { first_ltv: 'bigint', first_id: 'text', row_count: 'bigint', ...monthTypes } as const
const monthList = sql.raw(monthColumns.join(', '))
const pickedMonths = sql.raw(monthColumns.map((name) => `k.${name}`).join(', '))
const COUNTS = ['row_count', ...monthColumns] as const

interface Range extends RowKey {
  count: number
  /** rows with a birthday in January at 0, … December at 11 */
  months: number[]
}

interface StoredRange {
  first_ltv: string
  first_id: string
  row_count: number
}

/** Makes the one empty range with which a list begins. */
export async function createFirstRange(tx: Tx, orgId: number, list: ListKey): Promise<void> {
  await insertRanges(tx, orgId, list, [{ ...LOWEST, count: 0, months: MONTHS.map(() => 0) }])
}

/** A change, and where the range begins in which it falls. */
interface PlacedChange {
  change: CountChange
  first: RowKey
}

/**
 * Counts rows into and out of a list's ranges, then splits what grew past twice the made size and merges what
 * shrank below a quarter. The caller holds the list's version row, and has stored the rows.
 *
 * @param changes as `findRanges` has placed them since the list is held
 * @throws Error where a range that must be there is not: the counts would be wrong from then on
 */
export async function countChanges(tx: Tx, orgId: number, list: ListKey, changes: PlacedChange[]): Promise<void> {
  const sums = new Map<string, Range>()
  for (const { first, change } of changes) {
    const id = `${first.negatedLtvMicros} ${first.conversationId}`
    const sum = sums.getOrInsertComputed(id, () => ({ ...first, count: 0, months: MONTHS.map(() => 0) }))
    sum.count += change.count
    if (change.birthdayMonth !== null) sum.months[change.birthdayMonth - 1] = monthAt(sum, change) + change.count
  }
  const changed = [...sums.values()].filter((sum) => sum.count !== 0 || sum.months.some((count) => count !== 0))
  if (changed.length === 0) return
  const counted = await addCounts(tx, orgId, list, changed)
  for (const range of counted) {
    if (range.row_count > 2 * tx.rangeRows) await split(tx, orgId, list, toKey(range))
  }
  for (const range of counted) {
    if (range.row_count < tx.rangeRows / 4) await merge(tx, orgId, list, toKey(range))
  }
}

function monthAt(sum: Range, change: CountChange): number {
  return sum.months[(change.birthdayMonth ?? 0) - 1] ?? 0
}

function toKey(range: StoredRange): RowKey {
  return { negatedLtvMicros: range.first_ltv, conversationId: range.first_id }
}

/**
 * The range in which each change falls: the last one that begins at its key or before.
 *
 * @throws Error where there is none
 */
export async function findRanges(
  tx: Tx,
  orgId: number,
  list: ListKey,
  changes: CountChange[],
): Promise<PlacedChange[]> {
  const keys = changes.map((change, n) => ({ n, ltv: BigInt(change.negatedLtvMicros), id: change.conversationId }))
  // both parts of the key in one text: one look-up a change
  const { rows } = await sql<{ n: number; first: string | null }>`
    /* vip-user-ranges.find */
    select k.n, (
      select cast(r.first_negated_ltv_micros as text) || ' ' || r.first_conversation_id from vip_user_ranges r
      where ${ofList(orgId, list)} and (r.first_negated_ltv_micros, r.first_conversation_id) <= (k.ltv, k.id)
      order by r.first_negated_ltv_micros desc, r.first_conversation_id desc limit 1) as first
    from ${rowsTable(tx.db, 'k', { n: 'bigint', ltv: 'bigint', id: 'text' }, keys)}`.execute(tx.db)
  return rows.map(({ n, first }) => {
    const change = changes[n]
    if (!change || first === null) throw missingRange(list)
    const space = first.indexOf(' ')
    return { change, first: { negatedLtvMicros: first.slice(0, space), conversationId: first.slice(space + 1) } }
  })
}

async function addCounts(tx: Tx, orgId: number, list: ListKey, changed: Range[]): Promise<StoredRange[]> {
  const rows = await updateEach(tx.db, 'vip-user-ranges.count', RANGE_TYPES, changed.map(toColumns), {
    table: 'vip_user_ranges',
    set: (k) => sql.join(COUNTS.map((name) => sql`${sql.ref(name)} = vip_user_ranges.${sql.ref(name)} + ${k(name)}`)),
    on: (
      k,
    ) => sql`${ofList(orgId, list, 'vip_user_ranges')} and vip_user_ranges.first_negated_ltv_micros = ${k('first_ltv')}
      and vip_user_ranges.first_conversation_id = ${k('first_id')}`,
    returning: sql<StoredRange>`cast(vip_user_ranges.first_negated_ltv_micros as text) as first_ltv,
      vip_user_ranges.first_conversation_id as first_id, vip_user_ranges.row_count`,
  })
  if (rows.length !== changed.length) throw missingRange(list)
  return rows
}

/** Counts a range's rows anew into ranges of the made size. */
async function split(tx: Tx, orgId: number, list: ListKey, first: RowKey): Promise<void> {
  const next = await neighbour(tx, orgId, list, first, 'after')
  const end = next
    ? sql`and (v.negated_ltv_micros, v.conversation_id) < (${BigInt(next.first_ltv)}, ${next.first_id})`
    : sql``
  const { rows } = await sql<{ ltv: string; id: string; birthday_month: number | null }>`
    /* vip-user-ranges.split */
    select cast(v.negated_ltv_micros as text) as ltv, v.conversation_id as id, v.birthday_month
    from vip_users v
    where v.org_id = ${orgId} and v.workspace_key = ${list.workspaceKey} and v.channel_key = ${list.channelKey}
      and v.generation = ${list.generation}
      and (v.negated_ltv_micros, v.conversation_id) >= (${BigInt(first.negatedLtvMicros)}, ${first.conversationId})
      ${end}
    order by v.negated_ltv_micros, v.conversation_id`.execute(tx.db)
  const pieces: Range[] = []
  for (const [index, row] of rows.entries()) {
    if (index % tx.rangeRows === 0) {
      // the first piece keeps the range's own beginning, which may lie before its first row
      const begin = index === 0 ? first : { negatedLtvMicros: row.ltv, conversationId: row.id }
      pieces.push({ ...begin, count: 0, months: MONTHS.map(() => 0) })
    }
    const piece = pieces.at(-1) as Range // made above, at index 0 at the latest
    piece.count += 1
    if (row.birthday_month !== null) {
      piece.months[row.birthday_month - 1] = (piece.months[row.birthday_month - 1] ?? 0) + 1
    }
  }
  await deleteRange(tx, orgId, list, first)
  await insertRanges(tx, orgId, list, pieces)
}

/** Adds a small range to its neighbour; the earlier of the two stays. */
async function merge(tx: Tx, orgId: number, list: ListKey, small: RowKey): Promise<void> {
  const own = await neighbour(tx, orgId, list, small, 'at')
  // merged away by the range before it, or grown again
  if (!own || own.row_count >= tx.rangeRows / 4) return
  const before = await neighbour(tx, orgId, list, small, 'before')
  const other = before ?? (await neighbour(tx, orgId, list, small, 'after'))
  if (!other) return
  const [kept, gone] = before ? [before, own] : [own, other]
  await deleteRange(tx, orgId, list, toKey(gone))
  const months = monthColumns.map((name) => Number(gone[name]))
  const [sum] = await addCounts(tx, orgId, list, [{ ...toKey(kept), count: gone.row_count, months }])
  if (sum && sum.row_count > 2 * tx.rangeRows) await split(tx, orgId, list, toKey(kept))
}

type Side = 'before' | 'at' | 'after'
const comparison: Record<Side, string> = { before: '<', at: '=', after: '>' }

async function neighbour(tx: Tx, orgId: number, list: ListKey, key: RowKey, side: Side) {
  const direction = sql.raw(side === 'before' ? 'desc' : 'asc')
  const { rows } = await sql<StoredRange & Record<(typeof monthColumns)[number], number>>`
    /* vip-user-ranges.neighbour */
    select cast(r.first_negated_ltv_micros as text) as first_ltv, r.first_conversation_id as first_id,
      r.row_count, ${monthList}
    from vip_user_ranges r
    where ${ofList(orgId, list)}
      and (r.first_negated_ltv_micros, r.first_conversation_id) ${sql.raw(comparison[side])}
        (${BigInt(key.negatedLtvMicros)}, ${key.conversationId})
    order by r.first_negated_ltv_micros ${direction}, r.first_conversation_id ${direction}
    limit 1`.execute(tx.db)
  return rows[0]
}

async function deleteRange(tx: Tx, orgId: number, list: ListKey, first: RowKey): Promise<void> {
  await sql`
    /* vip-user-ranges.delete */
    delete from vip_user_ranges as r
    where ${ofList(orgId, list)} and r.first_negated_ltv_micros = ${BigInt(first.negatedLtvMicros)}
      and r.first_conversation_id = ${first.conversationId}`.execute(tx.db)
}

async function insertRanges(tx: Tx, orgId: number, list: ListKey, ranges: Range[]): Promise<void> {
  await sql`
    /* vip-user-ranges.insert */
    insert into vip_user_ranges (org_id, workspace_key, channel_key, generation,
      first_negated_ltv_micros, first_conversation_id, row_count, ${monthList})
    select ${orgId}, ${list.workspaceKey}, ${list.channelKey}, ${list.generation},
      k.first_ltv, k.first_id, k.row_count, ${pickedMonths}
    from ${rowsTable(tx.db, 'k', RANGE_TYPES, ranges.map(toColumns))}`.execute(tx.db)
}

function toColumns(range: Range) {
  return {
    first_ltv: BigInt(range.negatedLtvMicros),
    first_id: range.conversationId,
    row_count: range.count,
    ...eachMonth((index) => range.months[index] ?? 0),
  }
}

function ofList(orgId: number, list: ListKey, alias = 'r') {
  const of = sql.raw(alias)
  return sql`${of}.org_id = ${orgId} and ${of}.workspace_key = ${list.workspaceKey}
    and ${of}.channel_key = ${list.channelKey} and ${of}.generation = ${list.generation}`
}

function missingRange(list: ListKey): Error {
  return new Error(`A range of list ${list.workspaceKey}/${list.channelKey}/${list.generation} is missing`)
}
