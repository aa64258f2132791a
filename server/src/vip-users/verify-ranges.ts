import { type Kysely, sql } from 'kysely'
import type { Schema } from '../database/schema.ts'
import { streamRows } from '../database/stream.ts'
import { type ListKey, MONTHS, type RowKey } from './ranges.ts'
import { listId } from './refresh.ts'
import type { Target } from './targets.ts'
import type { Difference } from './verify.ts'

/** Counts each list's rows anew, and compares them with its ranges and with how many there should be. */
export async function verifyRanges(
  db: Kysely<Schema>,
  orgId: number,
  targets: Target[],
  counts: Map<string, number>,
  differences: Difference[],
): Promise<void> {
  for (const { workspaceKey, generation, channelKeys } of targets) {
    for (const channelKey of channelKeys) {
      const list = { workspaceKey, channelKey, generation }
      const rows = await verifyList(db, orgId, list, differences)
      const wanted = counts.get(listId(list)) ?? 0
      if (rows !== wanted) {
        differences.push({ where: `list ${listId(list)}`, message: `has ${rows} rows, the facts say ${wanted}` })
      }
    }
  }
}

interface Counted extends RowKey {
  row_count: number
  months: number[]
}

async function verifyList(
  db: Kysely<Schema>,
  orgId: number,
  list: ListKey,
  differences: Difference[],
): Promise<number> {
  const ranges = await readRanges(db, orgId, list)
  const counted = ranges.map((range) => ({ ...range, row_count: 0, months: MONTHS.map(() => 0) }))
  let at = 0
  let rows = 0
  for await (const row of listRows(db, orgId, list)) {
    rows += 1
    for (let next = counted[at + 1]; next && compareKeys(next, row) <= 0; next = counted[at + 1]) at += 1
    const range = counted[at]
    if (!range) break
    range.row_count += 1
    if (row.birthday_month !== null) {
      range.months[row.birthday_month - 1] = (range.months[row.birthday_month - 1] ?? 0) + 1
    }
  }
  if (ranges.length === 0) differences.push({ where: `list ${listId(list)}`, message: 'has no range' })
  for (const [index, range] of ranges.entries()) {
    const stored = JSON.stringify([range.row_count, ...range.months])
    const derived = JSON.stringify([counted[index]?.row_count, ...(counted[index]?.months ?? [])])
    if (stored === derived) continue
    const where = `range ${index + 1} of list ${listId(list)}`
    differences.push({ where, message: `counts ${stored}, its rows say ${derived}` })
  }
  return rows
}

async function readRanges(db: Kysely<Schema>, orgId: number, list: ListKey): Promise<Counted[]> {
  const months = sql.raw(MONTHS.map((month) => `month_${month}`).join(', '))
  const { rows } = await sql<Record<string, number> & { first_ltv: string; first_id: string; row_count: number }>`
    select cast(r.first_negated_ltv_micros as text) as first_ltv, r.first_conversation_id as first_id, r.row_count,
      ${months}
    from vip_user_ranges r
    where r.org_id = ${orgId} and r.workspace_key = ${list.workspaceKey} and r.channel_key = ${list.channelKey}
      and r.generation = ${list.generation}
    order by r.first_negated_ltv_micros, r.first_conversation_id`.execute(db)
  return rows.map((row) => ({
    negatedLtvMicros: row.first_ltv,
    conversationId: row.first_id,
    row_count: row.row_count,
    months: MONTHS.map((month) => row[`month_${month}`] ?? 0),
  }))
}

function listRows(db: Kysely<Schema>, orgId: number, list: ListKey) {
  const query = db
    .selectFrom('vip_users as v')
    .select([
      sql<string>`cast(v.negated_ltv_micros as text)`.as('negatedLtvMicros'),
      'v.conversation_id as conversationId',
      'v.birthday_month',
    ])
    .where('v.org_id', '=', orgId)
    .where('v.workspace_key', '=', list.workspaceKey)
    .where('v.channel_key', '=', list.channelKey)
    .where('v.generation', '=', list.generation)
    .orderBy('v.negated_ltv_micros')
    .orderBy('v.conversation_id')
  return streamRows<RowKey & { birthday_month: number | null }>(db, 'verify_list', query)
}

function compareKeys(one: RowKey, other: RowKey): number {
  const [first, second] = [BigInt(one.negatedLtvMicros), BigInt(other.negatedLtvMicros)]
  if (first !== second) return first < second ? -1 : 1
  return Buffer.compare(Buffer.from(one.conversationId), Buffer.from(other.conversationId))
}
