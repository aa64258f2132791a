import { sql } from 'kysely'
import { deleteEach, isJustInserted, joinEach, rowsTable, updateEach } from '../database/rows.ts'
import { shareRules } from '../database/rules-lock.ts'
import type { Schema } from '../database/schema.ts'
import { together } from '../database/together.ts'
import type { Tx } from '../database/write.ts'
import { type IsErased, readErasures } from '../erasure/erased-facts.ts'
import { errors } from '../http/errors.ts'
import { compareTexts } from '../text-order.ts'
import { readUserKeys } from '../users/lock-users.ts'
import { MAX_LTV_MICROS } from '../users/money.ts'
import { refreshLists, usersByKey } from '../vip-users/refresh.ts'
import { readTargets } from '../vip-users/targets.ts'
import {
  type Buyers,
  expectRepeats,
  factsBefore,
  lockBuyers,
  ofLocked,
  type Sum,
  settleSums,
  sumUp,
} from './add-purchases.ts'

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
  const [, isErased, targets] = await together(
    tx,
    () => shareRules(tx, orgId),
    () => readErasures(tx, orgId, purchases),
    () => readTargets(tx, orgId),
  )
  const areJudged = targets.length > 0
  const candidates = oncePerId(purchases, isErased)
  const assumed = sumUp(candidates)
  const buyers = await lockBuyers(tx, orgId, assumed, areJudged)
  const { users } = buyers
  chain(candidates, users)
  const inserted = await insertPurchases(tx, orgId, candidates)
  expectRepeats(orgId, { known: candidates.length - inserted, all: candidates.length })
  // null where all of them are new
  const stored = inserted < candidates.length ? await readPurchases(tx, orgId, candidates, inserted) : null
  const isNew = ({ purchase_id }: KeyedPurchase) => !stored || Boolean(stored.get(purchase_id)?.isNew)
  const recorded = candidates.filter(isNew)
  if (recorded.length !== inserted) throw new Error(`${inserted} purchases were inserted, ${recorded.length} are new`)
  if (stored) await chainAnew(tx, orgId, chain(recorded, users))
  const sums = stored ? sumUp(recorded) : assumed
  refuseTooLarge(recorded, sums, users)
  const wrong = new Set(candidates.flatMap((candidate) => (isNew(candidate) ? [] : candidate.cuid)))
  const judged = await settleSums(tx, orgId, buyers, { sums, wrong, areJudged })
  const userKeys = Array.from(sums.keys(), (cuid) => ofLocked(users.get(cuid)).user_key)
  if (buyers.created.size > 0) await forgetUnused(tx, orgId, [...buyers.created.difference(new Set(userKeys))])
  const before = factsBefore(judged, users)
  await refreshLists(tx, orgId, userKeys, { targets, users: usersByKey(judged), before })
  if (inserted === purchases.length) return purchases.map(() => 'recorded')

  const known: ReadonlyMap<string, Omit<StoredPurchase, 'isNew'>> = stored ??
  new Map(candidates.map((row) => [row.purchase_id, { userKey: row.user_key, revenueMicros: row.revenue_micros }]))
  // who is named only beside another user's purchase of the same id is not locked
  const others = await readUserKeys(
    tx,
    orgId,
    purchases.flatMap((purchase) => (users.has(purchase.cuid) || isErased(purchase) ? [] : purchase.cuid)),
  )
  const unanswered = new Set(recorded.map(({ purchase_id }) => purchase_id))
  return purchases.map((purchase) => {
    if (isErased(purchase)) return 'erased'
    const { purchaseId, cuid, revenueMicros } = purchase
    const same = known.get(purchaseId)
    const userKey = users.get(cuid)?.user_key ?? others.get(cuid)
    if (same?.userKey !== userKey || same?.revenueMicros !== revenueMicros) return 'conflict'
    // the first of several with one id is the one that was recorded
    return unanswered.delete(purchaseId) ? 'recorded' : 'repeated'
  })
}

/** The first purchase of each id, in the order of the ids: for two writes that record the same ones at once. */
function oncePerId(purchases: Purchase[], isErased: IsErased): KeyedPurchase[] {
  const keyed: KeyedPurchase[] = []
  for (const [index, purchase] of purchases.entries()) {
    if (isErased(purchase)) continue
    keyed.push({
      index,
      cuid: purchase.cuid,
      purchase_id: purchase.purchaseId,
      user_key: 0,
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
  cuid: string
}

interface StoredPurchase {
  userKey: number
  revenueMicros: bigint
  /** recorded by this write */
  isNew: boolean
}

/** Gives each purchase its user, and the purchase that the user's chain has before it. */
function chain(purchases: KeyedPurchase[], users: Buyers['users']): KeyedPurchase[] {
  const last = new Map<string, string>()
  for (const purchase of purchases) {
    const { user_key, last_purchase_id } = ofLocked(users.get(purchase.cuid))
    purchase.user_key = user_key
    purchase.previous_purchase_id = last.get(purchase.cuid) ?? last_purchase_id
    last.set(purchase.cuid, purchase.purchase_id)
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
  await updateEach(tx.db, 'purchases.chain', { purchase_id: 'text', previous_purchase_id: 'text' }, purchases, {
    table: 'purchases as p',
    set: (k) => sql`previous_purchase_id = ${k('previous_purchase_id')}`,
    on: (k) => sql`p.org_id = ${orgId} and p.purchase_id = ${k('purchase_id')}`,
  })
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

/** @throws ApiError 422 with every purchase that carries its user's sum towards where it would pass the greatest LTV */
function refuseTooLarge(purchases: KeyedPurchase[], sums: ReadonlyMap<string, Sum>, users: Buyers['users']): void {
  const tooLarge = new Map<string, bigint>()
  for (const [cuid, { micros }] of sums) {
    const ltv = BigInt(ofLocked(users.get(cuid)).purchases_micros) + micros
    if (ltv > MAX_LTV_MICROS || ltv < -MAX_LTV_MICROS) tooLarge.set(cuid, ltv)
  }
  if (tooLarge.size === 0) return
  // a refund is no fault where a sum is too large: without those that are told the rest is taken
  const told = purchases.filter(({ cuid, revenue_micros }) => (tooLarge.get(cuid) ?? 0n) * revenue_micros > 0n)
  throw errors.ltvTooLarge(told.map(({ index }) => index).sort((one, other) => one - other))
}

/** Users made for purchases that turned out to change nothing are nobody. */
async function forgetUnused(tx: Tx, orgId: number, userKeys: number[]): Promise<void> {
  const columns = { user_key: 'bigint' } as const
  const rows = userKeys.map((user_key) => ({ user_key }))
  await deleteEach(tx.db, 'users.forget', { table: 'users', orgId, columns }, rows)
}
