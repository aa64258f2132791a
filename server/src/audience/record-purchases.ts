import { sql } from 'kysely'
import { isJustInserted, joinEach, rowsTable, updateEach, userKeysTable } from '../database/rows.ts'
import { shareRules } from '../database/rules-lock.ts'
import type { Schema } from '../database/schema.ts'
import type { Tx } from '../database/write.ts'
import { type IsErased, readErasures } from '../erasure/erased-facts.ts'
import { errors } from '../http/errors.ts'
import { compareTexts } from '../text-order.ts'
import { type LockedUser, lockUsers } from '../users/lock-users.ts'
import { MAX_LTV_MICROS } from '../users/money.ts'
import type { JudgedUser } from '../vip-users/marks.ts'
import { JUDGED_COLUMNS, refreshLists, usersByKey } from '../vip-users/refresh.ts'
import { readTargets } from '../vip-users/targets.ts'

export interface Purchase {
  purchaseId: string
  cuid: string
  revenueMicros: bigint
  /** epoch ms */
  timestamp: number
}

export type PurchaseOutcome = 'recorded' | 'repeated' | 'conflict' | 'erased'

/**
 * Records purchases, each `purchaseId` once for ever, and brings their users' lists up to date.
 *
 * @returns an outcome for each purchase: `conflict` where its id was used with another user or revenue; such a
 *   purchase changes nothing; `erased` where it is dated before its user's erasure, and dropped
 * @throws ApiError 422 where a sum would pass the greatest LTV; nothing is recorded
 * @see contract, audience, "Retries are safe"
 */
export async function recordPurchases(
  tx: Tx,
  { orgId, purchases }: { orgId: number; purchases: Purchase[] },
): Promise<PurchaseOutcome[]> {
  await shareRules(tx, orgId)
  const isErased = await readErasures(tx, orgId, purchases)
  const kept = purchases.filter((purchase) => !isErased(purchase))
  const cuids = kept.map(({ cuid }) => cuid)
  const { keyOf, users, created } = await lockUsers(tx, orgId, cuids)
  const candidates = keyedOnce(purchases, keyOf, isErased)
  chain(candidates, users)
  const inserted = await insertPurchases(tx, orgId, candidates)
  // null where all of them are new
  const stored = inserted < candidates.length ? await readPurchases(tx, orgId, candidates, inserted) : null
  const recorded = stored ? candidates.filter(({ purchase_id }) => stored.get(purchase_id)?.isNew) : candidates
  if (recorded.length !== inserted) throw new Error(`${inserted} purchases were inserted, ${recorded.length} are new`)
  if (stored) await chainAnew(tx, orgId, chain(recorded, users))
  const sums = sumUp(recorded, users)
  const targets = await readTargets(tx, orgId)
  const judged = await addToUsers(tx, orgId, sums, targets.length > 0)
  await forgetUnused(tx, orgId, [...created.difference(sums)])
  await refreshLists(tx, orgId, [...sums.keys()], { targets, users: judged })
  if (inserted === purchases.length) return purchases.map(() => 'recorded')

  const known: ReadonlyMap<string, Omit<StoredPurchase, 'isNew'>> = stored ??
  new Map(candidates.map((row) => [row.purchase_id, { userKey: row.user_key, revenueMicros: row.revenue_micros }]))
  const unanswered = new Set(recorded.map(({ purchase_id }) => purchase_id))
  return purchases.map((purchase) => {
    if (isErased(purchase)) return 'erased'
    const { purchaseId, cuid, revenueMicros } = purchase
    const same = known.get(purchaseId)
    if (same?.userKey !== keyOf.get(cuid) || same?.revenueMicros !== revenueMicros) return 'conflict'
    // the first of several with one id is the one that was recorded
    return unanswered.delete(purchaseId) ? 'recorded' : 'repeated'
  })
}

/** The first purchase of each id, in the order of the ids: for two writes that record the same ones at once. */
function keyedOnce(purchases: Purchase[], keyOf: ReadonlyMap<string, number>, isErased: IsErased): KeyedPurchase[] {
  const keyed: KeyedPurchase[] = []
  for (const [index, purchase] of purchases.entries()) {
    if (isErased(purchase)) continue
    keyed.push({
      index,
      purchase_id: purchase.purchaseId,
      user_key: ofLocked(keyOf.get(purchase.cuid)),
      revenue_micros: purchase.revenueMicros,
      timestamp: purchase.timestamp,
      previous_purchase_id: null,
    })
  }
  keyed.sort((one, other) => compareTexts(one.purchase_id, other.purchase_id))
  return keyed.filter(({ purchase_id }, place) => purchase_id !== keyed[place - 1]?.purchase_id)
}

/** A row of `purchases` for one of the request. */
interface KeyedPurchase extends Omit<Schema['purchases'], 'org_id'> {
  /** its place in the request */
  index: number
}

interface StoredPurchase {
  userKey: number
  revenueMicros: bigint
  /** recorded by this write */
  isNew: boolean
}

/** What is known of a user whom the write has locked. */
function ofLocked<T>(known: T | undefined): T {
  if (known === undefined) throw new Error('A user is not locked')
  return known
}

/** Gives each purchase the one that its user's chain has before it. */
function chain(purchases: KeyedPurchase[], users: ReadonlyMap<number, LockedUser>): KeyedPurchase[] {
  const last = new Map<number, string>()
  for (const purchase of purchases) {
    purchase.previous_purchase_id =
      last.get(purchase.user_key) ?? ofLocked(users.get(purchase.user_key)).last_purchase_id
    last.set(purchase.user_key, purchase.purchase_id)
  }
  return purchases
}

/** @returns how many were new; to be told which costs each of them a tenth more */
async function insertPurchases(tx: Tx, orgId: number, purchases: KeyedPurchase[]): Promise<number> {
  const types = {
    purchase_id: 'text',
    user_key: 'bigint',
    revenue_micros: 'bigint',
    timestamp: 'bigint',
    previous_purchase_id: 'text',
  } as const
  const { numAffectedRows } = await sql`
    /* purchases.insert */
    insert into purchases (org_id, purchase_id, user_key, revenue_micros, timestamp, previous_purchase_id)
    select ${orgId}, k.purchase_id, k.user_key, k.revenue_micros, k.timestamp, k.previous_purchase_id
    from ${rowsTable(tx.db, 'k', types, purchases)}
    where true
    on conflict (org_id, purchase_id) do nothing`.execute(tx.db)
  return Number(numAffectedRows)
}

/** Where some ids were there already the chains were made with purchases that are not new. */
async function chainAnew(tx: Tx, orgId: number, purchases: KeyedPurchase[]): Promise<void> {
  await updateEach(
    tx.db,
    { purchase_id: 'text', previous_purchase_id: 'text' },
    purchases,
    (k, from) => sql`
    /* purchases.chain */
    update purchases as p set previous_purchase_id = ${k('previous_purchase_id')}
    ${from}
    where p.org_id = ${orgId} and p.purchase_id = ${k('purchase_id')}`,
  )
}

/** @param inserted how many of them this write has just inserted */
async function readPurchases(
  tx: Tx,
  orgId: number,
  purchases: KeyedPurchase[],
  inserted: number,
): Promise<Map<string, StoredPurchase>> {
  const { rows } = await sql<{ purchase_id: string; user_key: number; revenue_micros: string; is_new: unknown }>`
    /* purchases.read */
    select p.purchase_id, p.user_key, cast(p.revenue_micros as text) as revenue_micros,
      ${isJustInserted(tx.db, 'purchases', 'p', inserted)} as is_new
    from ${rowsTable(tx.db, 'k', { purchase_id: 'text' }, purchases)}
      ${joinEach(tx.db, 'purchases', 'p', sql`p.org_id = ${orgId} and p.purchase_id = k.purchase_id`)}`.execute(tx.db)
  return new Map(
    rows.map(({ purchase_id, user_key, revenue_micros, is_new }) => [
      purchase_id,
      { userKey: user_key, revenueMicros: BigInt(revenue_micros), isNew: Boolean(is_new) },
    ]),
  )
}

interface Sum {
  user_key: number
  micros: bigint
  purchases: number
  last_timestamp: number | null
  last_purchase_id: string
}

const SUM_TYPES = {
  user_key: 'bigint',
  micros: 'bigint',
  purchases: 'bigint',
  last_timestamp: 'bigint',
  last_purchase_id: 'text',
} as const

/**
 * What purchases add to each user, in the order of the users' keys. A refund lowers the sum, and is no purchase and no
 * latest one.
 *
 * @throws ApiError 422 where a user's sum would pass the greatest LTV
 */
function sumUp(purchases: KeyedPurchase[], users: ReadonlyMap<number, LockedUser>): Map<number, Sum> {
  const sums = new Map<number, Sum>()
  for (const { user_key, revenue_micros, timestamp, purchase_id } of purchases) {
    let sum = sums.get(user_key)
    if (!sum) {
      sum = { user_key, micros: 0n, purchases: 0, last_timestamp: null, last_purchase_id: purchase_id }
      sums.set(user_key, sum)
    }
    sum.micros += revenue_micros
    sum.last_purchase_id = purchase_id
    if (revenue_micros >= 0n) {
      sum.purchases += 1
      sum.last_timestamp = Math.max(sum.last_timestamp ?? timestamp, timestamp)
    }
  }
  const tooLarge = new Set<number>()
  for (const { user_key, micros } of sums.values()) {
    const ltv = BigInt(ofLocked(users.get(user_key)).purchases_micros) + micros
    if (ltv > MAX_LTV_MICROS || ltv < -MAX_LTV_MICROS) tooLarge.add(user_key)
  }
  if (tooLarge.size > 0) {
    // where the request first names one of them
    const places = purchases.flatMap(({ user_key, index }) => (tooLarge.has(user_key) ? index : []))
    throw errors.ltvTooLarge(Math.min(...places))
  }
  return new Map([...sums].sort(([one], [other]) => one - other))
}

/** @returns the users with their new sums where they are to be judged, in the order of their keys */
async function addToUsers(
  tx: Tx,
  orgId: number,
  sums: ReadonlyMap<number, Sum>,
  areJudged: boolean,
): Promise<Map<number, JudgedUser>> {
  const users = await updateEach(
    tx.db,
    SUM_TYPES,
    [...sums.values()],
    (k, from) => sql<JudgedUser>`
    /* users.add-purchases */
    update users
    set purchases_micros = users.purchases_micros + ${k('micros')}, purchases = users.purchases + ${k('purchases')},
      last_purchase_timestamp = case
        when users.last_purchase_timestamp is null or ${k('last_timestamp')} > users.last_purchase_timestamp then
          coalesce(${k('last_timestamp')}, users.last_purchase_timestamp)
        else users.last_purchase_timestamp end,
      last_purchase_id = ${k('last_purchase_id')}
    ${from}
    where users.org_id = ${orgId} and users.user_key = ${k('user_key')}
    ${areJudged ? sql`returning ${JUDGED_COLUMNS}` : sql``}`,
  )
  return usersByKey(users)
}

/** Users made for purchases that turned out to change nothing are nobody. */
async function forgetUnused(tx: Tx, orgId: number, userKeys: number[]): Promise<void> {
  if (userKeys.length === 0) return
  await sql`
    /* users.forget */
    delete from users where org_id = ${orgId} and user_key in (
      select k.user_key from ${userKeysTable(tx.db, userKeys)})`.execute(tx.db)
}
