import { sql } from 'kysely'
import { asBefore, hasRowLocks, rowsTable, updateEach } from '../database/rows.ts'
import type { Tx } from '../database/write.ts'
import { inLockOrder, type LockedUser, type LockedUsers, lockUsers, PURCHASED } from '../users/lock-users.ts'
import { MAX_LTV_MICROS } from '../users/money.ts'
import { factsOf, type JudgedUser } from '../vip-users/marks.ts'
import { JUDGED_COLUMNS } from '../vip-users/refresh.ts'
import type { UserFacts } from '../workspaces/vip-indicator.ts'

/** What purchases add to a user. A refund lowers the sum, and is no purchase and no latest one. */
export interface Sum {
  cuid: string
  micros: bigint
  purchases: number
  /** epoch ms; null where all are refunds */
  last_timestamp: number | null
  last_purchase_id: string
}

interface Added {
  purchase_id: string
  cuid: string
  revenue_micros: bigint
  timestamp: number
}

/** @returns by `cuid`; the last id is that of a user's last one in this order */
export function sumUp(purchases: readonly Added[]): Map<string, Sum> {
  const sums = new Map<string, Sum>()
  for (const { cuid, revenue_micros, timestamp, purchase_id } of purchases) {
    let sum = sums.get(cuid)
    if (!sum) {
      sum = { cuid, micros: 0n, purchases: 0, last_timestamp: null, last_purchase_id: purchase_id }
      sums.set(cuid, sum)
    }
    sum.micros += revenue_micros
    sum.last_purchase_id = purchase_id
    if (revenue_micros >= 0n) {
      sum.purchases += 1
      sum.last_timestamp = Math.max(sum.last_timestamp ?? timestamp, timestamp)
    }
  }
  return sums
}

/** Who buys, as before the purchases, locked until the commit. */
export interface Buyers extends LockedUsers {
  /** with the sums in them, where these were added at once: those who are to be judged */
  added: JudgedUser[] | null
}

/** More in one sum, and a user's LTV might not fit the store before anybody has looked at it. */
const MAX_AHEAD_MICROS = 2n ** 63n - 1n - MAX_LTV_MICROS

/** Organizations whose last purchases were mostly known: who reports or imports what was there goes on with it. */
const repeating = new Set<number>()

/** Says how a batch fared: whether the next one is worth being added before it is known which of its purchases are new. */
export function expectRepeats(orgId: number, { known, all }: { known: number; all: number }): void {
  if (2 * known > all) repeating.add(orgId)
  else repeating.delete(orgId)
}

/**
 * Locks who buys, and makes those that are new. Where rows have locks the sums are added to them at once, as if each
 * purchase were a new one: an update is a lock too, and one statement less. Where not, where they are likely to be known,
 * or where the write begins anew, `settleSums` adds them.
 */
export async function lockBuyers(
  tx: Tx,
  orgId: number,
  sums: ReadonlyMap<string, Sum>,
  areJudged: boolean,
): Promise<Buyers> {
  const fits = ({ micros }: Sum) => micros <= MAX_AHEAD_MICROS && micros >= -MAX_AHEAD_MICROS
  if (!hasRowLocks(tx.db) || tx.isAgain || repeating.has(orgId) || !sums.values().every(fits)) {
    return { ...(await lockUsers(tx, orgId, sums.keys())), added: null }
  }
  const users = new Map<string, LockedUser>()
  const added: JudgedUser[] = []
  const add = async (cuids: string[]) => {
    for (const row of await addSums(tx, orgId, cuids, sums, areJudged)) {
      const { user_key, cuid, before_micros, before_purchases, before_timestamp, before_id } = row
      users.set(cuid, {
        user_key,
        cuid,
        purchases_micros: before_micros,
        purchases: before_purchases,
        last_purchase_timestamp: before_timestamp,
        last_purchase_id: before_id,
      })
      if (areJudged) added.push(row)
    }
  }
  await add(inLockOrder(sums.keys()))
  if (users.size === sums.size) return { users, created: new Set(), added }
  // new, or changed by another write while this one waited for it
  const missing = inLockOrder(sums.keys().filter((cuid) => !users.has(cuid)))
  const { created } = await lockUsers(tx, orgId, missing, { noWait: true })
  await add(missing)
  return { users, created, added }
}

const SUM_TYPES = {
  cuid: 'text',
  micros: 'bigint',
  purchases: 'bigint',
  last_timestamp: 'bigint',
  last_purchase_id: 'text',
} as const

interface AddedTo extends JudgedUser {
  before_micros: string
  before_purchases: number
  before_timestamp: number | null
  before_id: string | null
}

async function addSums(
  tx: Tx,
  orgId: number,
  cuids: string[],
  sums: ReadonlyMap<string, Sum>,
  areJudged: boolean,
): Promise<AddedTo[]> {
  const wanted = cuids.flatMap((cuid) => sums.get(cuid) ?? [])
  const before = asBefore('users', PURCHASED, sql`users.org_id = ${orgId} and users.cuid = k.cuid`)
  const { rows } = await sql<AddedTo>`
    /* users.add-purchases */
    update users
    set purchases_micros = users.purchases_micros + k.micros, purchases = users.purchases + k.purchases,
      last_purchase_timestamp = greatest(users.last_purchase_timestamp, k.last_timestamp),
      last_purchase_id = k.last_purchase_id
    from ${rowsTable(tx.db, 'k', SUM_TYPES, wanted)} ${before.from}
    where ${before.where}
    returning ${areJudged ? JUDGED_COLUMNS : sql`users.user_key, users.cuid`},
      cast(before.purchases_micros as text) as before_micros, before.purchases as before_purchases,
      before.last_purchase_timestamp as before_timestamp, before.last_purchase_id as before_id`.execute(tx.db)
  return rows
}

const PURCHASED_TYPES = {
  user_key: 'bigint',
  purchases_micros: 'bigint',
  purchases: 'bigint',
  last_purchase_timestamp: 'bigint',
  last_purchase_id: 'text',
} as const

/**
 * Sets the users whose sums are not added, or not rightly, to what they were and these.
 *
 * @param given `sums`: of the purchases that are new; `wrong`: who had others in the sums that may be added already
 * @returns those who have sums, in any order, with the sums in them; nobody where nobody is judged
 */
export async function settleSums(
  tx: Tx,
  orgId: number,
  { users, added }: Buyers,
  given: { sums: ReadonlyMap<string, Sum>; wrong: ReadonlySet<string>; areJudged: boolean },
): Promise<JudgedUser[]> {
  const { sums, wrong, areJudged } = given
  const rows = Array.from(added ? wrong : sums.keys(), (cuid) => plus(ofLocked(users.get(cuid)), sums.get(cuid)))
  rows.sort((one, other) => one.user_key - other.user_key)
  const returning = areJudged ? { returning: sql<JudgedUser>`${JUDGED_COLUMNS}` } : {}
  const set = await updateEach(tx.db, 'users.set-purchases', PURCHASED_TYPES, rows, {
    table: 'users',
    set: (k) => sql`purchases_micros = ${k('purchases_micros')}, purchases = ${k('purchases')},
      last_purchase_timestamp = ${k('last_purchase_timestamp')}, last_purchase_id = ${k('last_purchase_id')}`,
    on: (k) => sql`users.org_id = ${orgId} and users.user_key = ${k('user_key')}`,
    ...returning,
  })
  if (!areJudged) return []
  const rightly = added?.filter(({ cuid }) => !wrong.has(cuid)) ?? []
  return [...rightly, ...set.filter(({ cuid }) => sums.has(cuid))]
}

function later(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : Math.max(one, other)
}

/** A user as it was, and what is added to it. */
function plus(user: LockedUser, sum: Sum | undefined) {
  const { user_key, last_purchase_timestamp } = user
  const { micros = 0n, purchases = 0, last_timestamp = null, last_purchase_id = user.last_purchase_id } = sum ?? {}
  return {
    user_key,
    purchases_micros: BigInt(user.purchases_micros) + micros,
    purchases: user.purchases + purchases,
    last_purchase_timestamp: later(last_purchase_timestamp, last_timestamp),
    last_purchase_id,
  }
}

/** What the rules were told of these users before this write, by key. */
export function factsBefore(judged: JudgedUser[], users: Buyers['users']): Map<number, UserFacts> {
  return new Map(
    judged.map((after) => {
      const { purchases_micros, purchases, last_purchase_timestamp } = ofLocked(users.get(after.cuid))
      const ltv_micros = after.ltv_is_reported ? after.ltv_micros : purchases_micros
      return [after.user_key, factsOf({ ...after, ltv_micros, purchases, last_purchase_timestamp })]
    }),
  )
}

/** What is known of a user whom the write has locked. */
export function ofLocked<T>(known: T | undefined): T {
  if (known === undefined) throw new Error('A user is not locked')
  return known
}
