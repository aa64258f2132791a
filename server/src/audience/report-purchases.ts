import type { Tx } from '../database/write.ts'
import { errors } from '../http/errors.ts'
import { type Purchase, recordPurchases } from './record-purchases.ts'

/**
 * Records purchases that the customer's back end reports: all of them or none.
 *
 * @returns how many are dated before their user's erasure, and were dropped
 * @throws ApiError 409 where a purchase id was used before with another user or revenue
 */
export async function reportPurchases(
  tx: Tx,
  { orgId, purchases }: { orgId: number; purchases: Purchase[] },
): Promise<number> {
  const outcomes = await recordPurchases(tx, { orgId, purchases })
  const conflicts = purchases
    .map(({ purchaseId }, index) => ({ index, purchaseId }))
    .filter(({ index }) => outcomes[index] === 'conflict')
  if (conflicts.length > 0) throw errors.purchaseConflict(conflicts)
  return outcomes.filter((outcome) => outcome === 'erased').length
}
