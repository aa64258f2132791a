import { sql } from 'kysely'
import { rowsTable, userKeysTable } from '../database/rows.ts'
import { shareRules } from '../database/rules-lock.ts'
import type { Tx } from '../database/write.ts'
import { type IsErased, readErasures } from '../erasure/erased-facts.ts'
import { errors } from '../http/errors.ts'
import { lockUsers } from '../users/lock-users.ts'
import { MAX_LTV_MICROS } from '../users/money.ts'
import { refreshLists } from '../vip-users/refresh.ts'

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
  const { keyOf, created } = await lockUsers(
    tx,
    orgId,
    purchases.flatMap((purchase) => (isErased(purchase) ? [] : purchase.cuid)),
  )
  const candidates = keyedOnce(purchases, keyOf, isErased)
  const inserted = await insertPurchases(tx, orgId, candidates)
  const isAllNew = inserted.size === purchases.length
  const recorded = isAllNew ? candidates : candidates.filter((purchase) => inserted.has(purchase.purchaseId))
  const touched = await addToUsers(tx, orgId, recorded)
  await forgetUnused(tx, orgId, [...created.difference(new Set(touched))])
  await refreshLists(tx, orgId, touched)
  if (isAllNew) return purchases.map(() => 'recorded')

  const repeated = candidates.filter((purchase) => !inserted.has(purchase.purchaseId))
  const known = await readPurchases(
    tx,
    orgId,
    repeated.map((purchase) => purchase.purchaseId),
  )
  for (const purchase of recorded) known.set(purchase.purchaseId, purchase)
  return purchases.map((purchase) => {
    if (isErased(purchase)) return 'erased'
    const { purchaseId, cuid, revenueMicros } = purchase
    const stored = known.get(purchaseId)
    if (stored?.userKey !== keyOf.get(cuid) || stored?.revenueMicros !== revenueMicros) return 'conflict'
    // the first of several with one id is the one that was recorded
    return inserted.delete(purchaseId) ? 'recorded' : 'repeated'
  })
}

/** The first purchase of each id, in the order of the ids: for two writes that record the same ones at once. */
function keyedOnce(purchases: Purchase[], keyOf: ReadonlyMap<string, number>, isErased: IsErased): KeyedPurchase[] {
  const seen = new Set<string>()
  const keyed: KeyedPurchase[] = []
  for (const purchase of purchases) {
    const { purchaseId, cuid, revenueMicros, timestamp } = purchase
    if (seen.has(purchaseId) || isErased(purchase)) continue
    seen.add(purchaseId)
    keyed.push({ purchaseId, userKey: keyOf.get(cuid) ?? 0, revenueMicros, timestamp })
  }
  return keyed.sort((one, other) => (one.purchaseId < other.purchaseId ? -1 : 1))
}

type KeyedPurchase = Omit<Purchase, 'cuid'> & { userKey: number }
type StoredPurchase = Pick<KeyedPurchase, 'revenueMicros' | 'userKey'>

async function insertPurchases(tx: Tx, orgId: number, purchases: KeyedPurchase[]): Promise<Set<string>> {
  const types = { purchase_id: 'text', user_key: 'bigint', revenue_micros: 'bigint', timestamp: 'bigint' } as const
  const rows = purchases.map((purchase) => ({
    purchase_id: purchase.purchaseId,
    user_key: purchase.userKey,
    revenue_micros: purchase.revenueMicros,
    timestamp: purchase.timestamp,
  }))
  const inserted = await sql<{ purchase_id: string }>`
    /* purchases.insert */
    insert into purchases (org_id, purchase_id, user_key, revenue_micros, timestamp)
    select ${orgId}, k.purchase_id, k.user_key, k.revenue_micros, k.timestamp
    from ${rowsTable(tx.db, 'k', types, rows)}
    where true
    on conflict (org_id, purchase_id) do nothing
    returning purchase_id`.execute(tx.db)
  return new Set(inserted.rows.map((row) => row.purchase_id))
}

async function readPurchases(tx: Tx, orgId: number, purchaseIds: string[]): Promise<Map<string, StoredPurchase>> {
  if (purchaseIds.length === 0) return new Map()
  const ids = purchaseIds.map((purchase_id) => ({ purchase_id }))
  const { rows } = await sql<{ purchase_id: string; user_key: number; revenue_micros: string }>`
    /* purchases.read */
    select p.purchase_id, p.user_key, cast(p.revenue_micros as text) as revenue_micros
    from ${rowsTable(tx.db, 'k', { purchase_id: 'text' }, ids)}
      join purchases p on p.org_id = ${orgId} and p.purchase_id = k.purchase_id`.execute(tx.db)
  return new Map(
    rows.map((row) => [row.purchase_id, { userKey: row.user_key, revenueMicros: BigInt(row.revenue_micros) }]),
  )
}

/** Adds purchases to their users' sums. A refund lowers the sum, and is no purchase and no latest one. */
async function addToUsers(tx: Tx, orgId: number, purchases: KeyedPurchase[]): Promise<number[]> {
  if (purchases.length === 0) return []
  const sums = new Map<number, { micros: bigint; purchases: number; last_timestamp: number | null }>()
  for (const { userKey, revenueMicros, timestamp } of purchases) {
    const sum = sums.get(userKey) ?? { micros: 0n, purchases: 0, last_timestamp: null }
    sum.micros += revenueMicros
    if (revenueMicros >= 0n) {
      sum.purchases += 1
      sum.last_timestamp = Math.max(sum.last_timestamp ?? timestamp, timestamp)
    }
    sums.set(userKey, sum)
  }
  const types = { user_key: 'bigint', micros: 'bigint', purchases: 'bigint', last_timestamp: 'bigint' } as const
  // in the order of the keys, which is the order of the table
  const rows = [...sums]
    .map(([user_key, { micros, purchases, last_timestamp }]) => ({ user_key, micros, purchases, last_timestamp }))
    .sort((one, other) => one.user_key - other.user_key)
  // no sum and no difference below leaves 64 bits
  if (rows.some(({ micros }) => micros > MAX_LTV_MICROS || micros < -MAX_LTV_MICROS)) throw errors.ltvTooLarge()
  const updated = await sql<{ user_key: number }>`
    /* users.add-purchases */
    update users
    set purchases_micros = users.purchases_micros + k.micros, purchases = users.purchases + k.purchases,
      last_purchase_timestamp = case
        when users.last_purchase_timestamp is null or k.last_timestamp > users.last_purchase_timestamp then
          coalesce(k.last_timestamp, users.last_purchase_timestamp)
        else users.last_purchase_timestamp end
    from ${rowsTable(tx.db, 'k', types, rows)}
    where users.org_id = ${orgId} and users.user_key = k.user_key
      and case when k.micros >= 0 then users.purchases_micros <= ${MAX_LTV_MICROS} - k.micros
        else users.purchases_micros >= ${-MAX_LTV_MICROS} - k.micros end
    returning users.user_key`.execute(tx.db)
  if (updated.rows.length < rows.length) throw errors.ltvTooLarge()
  return [...sums.keys()]
}

/** Users made for purchases that turned out to change nothing are nobody. */
async function forgetUnused(tx: Tx, orgId: number, userKeys: number[]): Promise<void> {
  if (userKeys.length === 0) return
  await sql`
    /* users.forget */
    delete from users where org_id = ${orgId} and user_key in (
      select k.user_key from ${userKeysTable(tx.db, userKeys)})`.execute(tx.db)
}
