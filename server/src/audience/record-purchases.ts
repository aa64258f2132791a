import { type RawBuilder, sql } from 'kysely'
import { isJustInserted, joinEach, rowsTable, userKeysTable } from '../database/rows.ts'
import { shareRules } from '../database/rules-lock.ts'
import type { Schema } from '../database/schema.ts'
import type { Tx } from '../database/write.ts'
import { type IsErased, readErasures } from '../erasure/erased-facts.ts'
import { errors } from '../http/errors.ts'
import { lockUsers } from '../users/lock-users.ts'
import { MAX_LTV_MICROS } from '../users/money.ts'
import type { JudgedUser } from '../vip-users/marks.ts'
import { JUDGED_COLUMNS, refreshLists } from '../vip-users/refresh.ts'
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
  const cuids = new Set(kept.map(({ cuid }) => cuid))
  const { keyOf, lastPurchaseOf, created } = await lockUsers(tx, orgId, cuids)
  const candidates = keyedOnce(purchases, keyOf, isErased)
  chain(candidates, lastPurchaseOf)
  const inserted = await insertPurchases(tx, orgId, candidates)
  // null where all of them are new
  const stored = inserted < candidates.length ? await readPurchases(tx, orgId, candidates, inserted) : null
  const recorded = stored ? candidates.filter(({ purchase_id }) => stored.get(purchase_id)?.isNew) : candidates
  if (recorded.length !== inserted) throw new Error(`${inserted} purchases were inserted, ${recorded.length} are new`)
  if (stored) await chainAnew(tx, orgId, chain(recorded, lastPurchaseOf))
  const targets = await readTargets(tx, orgId)
  // without a list nobody is judged
  const users = await addToUsers(tx, orgId, recorded, targets.length > 0 ? JUDGED_COLUMNS : sql`users.user_key`)
  await forgetUnused(tx, orgId, [...created.difference(users)])
  await refreshLists(tx, orgId, [...users.keys()], { targets, users })
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
      user_key: keyOf.get(purchase.cuid) ?? 0,
      revenue_micros: purchase.revenueMicros,
      timestamp: purchase.timestamp,
      previous_purchase_id: null,
    })
  }
  keyed.sort((one, other) => (one.purchase_id < other.purchase_id ? -1 : Number(one.purchase_id > other.purchase_id)))
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

/** Gives each purchase the one that its user's chain has before it. */
function chain(purchases: KeyedPurchase[], lastPurchaseOf: ReadonlyMap<number, string | null>): KeyedPurchase[] {
  const last = new Map<number, string>()
  for (const purchase of purchases) {
    purchase.previous_purchase_id = last.get(purchase.user_key) ?? lastPurchaseOf.get(purchase.user_key) ?? null
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
  if (purchases.length === 0) return
  await sql`
    /* purchases.chain */
    update purchases as p set previous_purchase_id = k.previous_purchase_id
    from ${rowsTable(tx.db, 'k', { purchase_id: 'text', previous_purchase_id: 'text' }, purchases)}
    where p.org_id = ${orgId} and p.purchase_id = k.purchase_id`.execute(tx.db)
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
 * Adds purchases to their users' sums. A refund lowers the sum, and is no purchase and no latest one.
 *
 * @returns the users as they are now
 */
async function addToUsers(
  tx: Tx,
  orgId: number,
  purchases: KeyedPurchase[],
  columns: RawBuilder<unknown>,
): Promise<Map<number, JudgedUser>> {
  if (purchases.length === 0) return new Map()
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
  // in the order of the keys, which is the order of the table
  const rows = [...sums.values()].sort((one, other) => one.user_key - other.user_key)
  // no sum and no difference below leaves 64 bits
  const tooLarge = rows.find(({ micros }) => micros > MAX_LTV_MICROS || micros < -MAX_LTV_MICROS)
  if (tooLarge) throw errors.ltvTooLarge(firstIndex(purchases, (userKey) => userKey === tooLarge.user_key))
  const updated = await sql<JudgedUser>`
    /* users.add-purchases */
    update users
    set purchases_micros = users.purchases_micros + k.micros, purchases = users.purchases + k.purchases,
      last_purchase_timestamp = case
        when users.last_purchase_timestamp is null or k.last_timestamp > users.last_purchase_timestamp then
          coalesce(k.last_timestamp, users.last_purchase_timestamp)
        else users.last_purchase_timestamp end,
      last_purchase_id = k.last_purchase_id
    from ${rowsTable(tx.db, 'k', SUM_TYPES, rows)}
    where users.org_id = ${orgId} and users.user_key = k.user_key
      and case when k.micros >= 0 then users.purchases_micros <= ${MAX_LTV_MICROS} - k.micros
        else users.purchases_micros >= ${-MAX_LTV_MICROS} - k.micros end
    returning ${columns}`.execute(tx.db)
  const users = new Map(updated.rows.map((user) => [user.user_key, user]))
  if (users.size < rows.length) {
    throw errors.ltvTooLarge(firstIndex(purchases, (userKey) => !users.has(userKey)))
  }
  return users
}

/** Where the request first names a user of this kind. */
function firstIndex(purchases: KeyedPurchase[], isMeant: (userKey: number) => boolean): number {
  return Math.min(...purchases.filter(({ user_key }) => isMeant(user_key)).map(({ index }) => index))
}

/** Users made for purchases that turned out to change nothing are nobody. */
async function forgetUnused(tx: Tx, orgId: number, userKeys: number[]): Promise<void> {
  if (userKeys.length === 0) return
  await sql`
    /* users.forget */
    delete from users where org_id = ${orgId} and user_key in (
      select k.user_key from ${userKeysTable(tx.db, userKeys)})`.execute(tx.db)
}
