import { sql } from 'kysely'
import type { ColumnValue } from '../database/rows.ts'
import { streamRows } from '../database/stream.ts'
import type { Tx } from '../database/write.ts'
import { deriveUsers } from '../users/derive-users.ts'
import { purchasesOf } from '../users/purchases-of-user.ts'
import { readProperties } from '../users/read-properties.ts'
import { judge, type Mark, readMarks } from './marks.ts'
import { deriveRows, type ListRow, listId, readRows, readUsers, rowId } from './refresh.ts'
import type { Target } from './targets.ts'
import type { Difference } from './verify.ts'

const CHUNK_USERS = 1_000
/** Several times what a sweep takes to come round. */
const OVERDUE_MS = 60_000

/** What is stored of a user beside what its purchases sum to. */
interface SummedUser {
  user_key: number
  purchases_micros: string
  purchases: number
  last_purchase_timestamp: number | null
  ltv_property_micros: string | null
  first_name: string | null
  last_name: string | null
  birthday: string | null
  sum_micros: string | null
  sum_purchases: number | null
  sum_timestamp: number | null
  /** purchases and refunds */
  facts: number | null
}

/**
 * Compares each user's derived columns, marks and list rows with what the facts say.
 *
 * @returns how many rows each list should have, by `listId`
 */
export async function verifyUsers(
  tx: Tx,
  orgId: number,
  targets: Target[],
  differences: Difference[],
  onProgress: (users: number) => void = () => undefined,
): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  await reportOrphans(tx, orgId, differences)
  await reportLostLinks(tx, orgId, differences)
  let users = 0
  for await (const chunk of chunks(summedUsers(tx, orgId))) {
    for (const user of chunk) compareSums(user, differences)
    await compareChains(tx, orgId, chunk, differences)
    await compareDerived(tx, orgId, chunk, differences)
    await compareLists(tx, orgId, targets, chunk, counts, differences)
    users += chunk.length
    onProgress(users)
  }
  return counts
}

/** What belongs to users, and goes with them. */
const OF_USERS = [
  'purchases',
  'properties',
  'personal_information',
  'conversations',
  'links',
  'idempotent_answers',
  'vip_marks',
  'vip_users',
]

async function reportOrphans(tx: Tx, orgId: number, differences: Difference[]): Promise<void> {
  for (const table of OF_USERS) {
    const query = sql<{ user_key: number; orphans: number }>`
      select t.user_key, count(*) as orphans
      from ${sql.raw(table)} t left join users u on u.org_id = t.org_id and u.user_key = t.user_key
      where t.org_id = ${orgId} and t.user_key is not null and u.user_key is null
      group by t.user_key order by t.user_key`
    for await (const { user_key, orphans } of streamRows(tx.db, 'verify_orphans', query)) {
      differences.push({
        where: `user ${user_key}`,
        message: `has ${orphans} ${table.replace('_', ' ')}, but there is no such user`,
      })
    }
  }
}

/** A link whose conversation is not there: it went with its user, and the link should have, too. */
async function reportLostLinks(tx: Tx, orgId: number, differences: Difference[]): Promise<void> {
  const query = sql<{ link_id: string }>`
    select l.link_id
    from links l left join conversations c on c.org_id = l.org_id and c.conversation_key = l.conversation_key
    where l.org_id = ${orgId} and l.conversation_key is not null and c.conversation_key is null
    order by l.link_id`
  for await (const { link_id } of streamRows(tx.db, 'verify_lost_links', query)) {
    differences.push({ where: `link ${link_id}`, message: 'stands for a conversation that is not there' })
  }
}

function summedUsers(tx: Tx, orgId: number): AsyncGenerator<SummedUser> {
  const isPurchase = sql`p.revenue_micros >= 0`
  const sums = tx.db
    .selectFrom('purchases as p')
    .select([
      'p.user_key as of_user',
      sql<string>`cast(sum(p.revenue_micros) as text)`.as('sum_micros'),
      sql<number>`cast(sum(case when ${isPurchase} then 1 else 0 end) as bigint)`.as('sum_purchases'),
      sql<number | null>`max(case when ${isPurchase} then p.timestamp end)`.as('sum_timestamp'),
      sql<number>`count(*)`.as('facts'),
    ])
    .where('p.org_id', '=', orgId)
    .groupBy('p.user_key')
  const query = tx.db
    .selectFrom('users as u')
    .leftJoin(sums.as('s'), 's.of_user', 'u.user_key')
    .select([
      'u.user_key',
      sql<string>`cast(u.purchases_micros as text)`.as('purchases_micros'),
      'u.purchases',
      'u.last_purchase_timestamp',
      sql<string | null>`cast(u.ltv_property_micros as text)`.as('ltv_property_micros'),
      'u.first_name',
      'u.last_name',
      'u.birthday',
      's.sum_micros',
      's.sum_purchases',
      's.sum_timestamp',
      's.facts',
    ])
    .where('u.org_id', '=', orgId)
    .orderBy('u.user_key')
  return streamRows<SummedUser>(tx.db, 'verify_users', query)
}

async function* chunks<T>(rows: AsyncIterable<T>): AsyncGenerator<T[]> {
  let chunk: T[] = []
  for await (const row of rows) {
    if (chunk.push(row) < CHUNK_USERS) continue
    yield chunk
    chunk = []
  }
  if (chunk.length > 0) yield chunk
}

function compareSums(user: SummedUser, differences: Difference[]): void {
  const where = `user ${user.user_key}`
  compare(differences, where, 'purchases_micros', user.purchases_micros, user.sum_micros ?? '0')
  compare(differences, where, 'purchases', user.purchases, user.sum_purchases ?? 0)
  compare(differences, where, 'last_purchase_timestamp', user.last_purchase_timestamp, user.sum_timestamp)
}

/** A purchase that the chain does not lead to would outlive its user's erasure. */
async function compareChains(tx: Tx, orgId: number, users: SummedUser[], differences: Difference[]): Promise<void> {
  const userKeys = users.map((user) => user.user_key)
  const { rows } = await sql<{ user_key: number; chained: number }>`
    select c.user_key, count(*) as chained
    from ${purchasesOf(tx.db, orgId, userKeys)} c
    where c.user_key = (
      select p.user_key from purchases p where p.org_id = ${orgId} and p.purchase_id = c.purchase_id)
    group by c.user_key`.execute(tx.db)
  const chained = new Map(rows.map((row) => [row.user_key, row.chained]))
  for (const { user_key, facts } of users) {
    compare(differences, `user ${user_key}`, 'purchases in the chain', chained.get(user_key) ?? 0, facts ?? 0)
  }
}

async function compareDerived(tx: Tx, orgId: number, users: SummedUser[], differences: Difference[]): Promise<void> {
  const derived = await deriveUsers(
    tx.db,
    orgId,
    users.map((user) => user.user_key),
  )
  for (const [index, user] of users.entries()) {
    const wanted = derived[index]
    const where = `user ${user.user_key}`
    const ltv = wanted?.ltv_property_micros ?? null
    compare(differences, where, 'ltv_property_micros', user.ltv_property_micros, ltv === null ? null : String(ltv))
    for (const field of ['first_name', 'last_name', 'birthday'] as const) {
      compare(differences, where, field, user[field], wanted?.[field] ?? null)
    }
  }
}

async function compareLists(
  tx: Tx,
  orgId: number,
  targets: Target[],
  chunk: SummedUser[],
  counts: Map<string, number>,
  differences: Difference[],
): Promise<void> {
  if (targets.length === 0) return
  const userKeys = chunk.map((user) => user.user_key)
  const users = await readUsers(tx, orgId, userKeys)
  const stored = new Map((await readMarks(tx, orgId, targets, userKeys)).map((mark) => [markId(mark), mark]))
  const keys = [...new Set(targets.flatMap((target) => target.rule?.propertyKeys ?? []))]
  const properties = await readProperties(tx, orgId, userKeys, keys)
  const marks: Mark[] = []
  for (const target of targets) {
    for (const user of users.values()) {
      // not yet in the generation that is being made, unless a write has put it there
      if (target.builtUserKey !== null && user.user_key > target.builtUserKey) continue
      const { workspaceKey, generation } = target
      const id = markId({ workspaceKey, generation, userKey: user.user_key })
      const mark = stored.get(id)
      const judgedAt = mark ? lastValid(mark, tx.now) : tx.now
      const verdict = judge(target, user, properties.get(user.user_key) ?? new Map(), judgedAt)
      const where = `mark of user ${user.user_key} in workspace ${workspaceKey}, generation ${generation}`
      compare(differences, where, 'vip', mark?.vip ? 1 : 0, verdict.vip ? 1 : 0)
      compare(differences, where, 'due_timestamp', mark?.dueTimestamp ?? null, verdict.dueTimestamp)
      if (mark && target.builtUserKey === null) reportOverdue(where, mark, tx.now, differences)
      if (verdict.vip)
        marks.push({ workspaceKey, generation, userKey: user.user_key, ...verdict, judgedTimestamp: judgedAt })
    }
  }
  compareRows(
    targets,
    await readRows(tx, orgId, targets, userKeys),
    await deriveRows(tx, orgId, targets, users, marks),
    counts,
    differences,
  )
}

/**
 * Facts that came after a mark was judged, and did not change it, leave its time as it was: it still holds as of now, or
 * as of the moment before it falls due. A server whose clock is ahead of ours may have judged it later.
 */
function lastValid({ judgedTimestamp, dueTimestamp }: Mark, now: number): number {
  return Math.max(judgedTimestamp, dueTimestamp === null ? now : Math.min(now, dueTimestamp - 1))
}

/** Of the served generation: a running server settles it within seconds, and so does a list answer. */
function reportOverdue(where: string, { dueTimestamp }: Mark, now: number, differences: Difference[]): void {
  if (dueTimestamp === null || dueTimestamp >= now - OVERDUE_MS) return
  const since = new Date(dueTimestamp).toISOString()
  differences.push({ where, message: `is due since ${since}: is no server running on the store?` })
}

function compareRows(
  targets: Target[],
  stored: ListRow[],
  wanted: ListRow[],
  counts: Map<string, number>,
  differences: Difference[],
): void {
  const builtUpTo = new Map(
    targets.map((target) => [`${target.workspaceKey} ${target.generation}`, target.builtUserKey ?? Infinity]),
  )
  const left = new Map(stored.map((row) => [rowId(row), row]))
  for (const row of wanted) {
    const found = left.get(rowId(row))
    left.delete(rowId(row))
    counts.set(listId(row), (counts.get(listId(row)) ?? 0) + 1)
    const where = `row ${row.conversationId} in list ${listId(row)}`
    if (!found) {
      differences.push({ where, message: 'is missing' })
      continue
    }
    compare(differences, where, 'row', found.row, row.row)
    compare(differences, where, 'birthday_month', found.birthdayMonth, row.birthdayMonth)
  }
  for (const row of left.values()) {
    counts.set(listId(row), (counts.get(listId(row)) ?? 0) + 1)
    // a write put it into a generation that has not come to its user yet
    if (row.userKey > (builtUpTo.get(`${row.workspaceKey} ${row.generation}`) ?? Infinity)) continue
    differences.push({ where: `row ${row.conversationId} in list ${listId(row)}`, message: 'should not be there' })
  }
}

const markId = (mark: Pick<Mark, 'workspaceKey' | 'generation' | 'userKey'>) =>
  `${mark.workspaceKey} ${mark.generation} ${mark.userKey}`

function compare(
  differences: Difference[],
  where: string,
  what: string,
  stored: ColumnValue,
  derived: ColumnValue,
): void {
  if (stored === derived) return
  differences.push({ where, message: `${what} is ${stored}, the facts say ${derived}` })
}
