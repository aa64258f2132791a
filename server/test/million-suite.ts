import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatMicros } from '../src/users/money.ts'
import { makeOrganization } from './organization.ts'
import type { TestStore } from './stores.ts'

const PURCHASES = 1_000_000
const BATCH = 50_000

export function millionSuite(get: () => TestStore): void {
  test('a million purchases of 0.10 sum to exactly 100,000.00', async () => {
    const { store } = get()
    const { orgId } = await makeOrganization(store)
    for (let first = 0; first < PURCHASES; first += BATCH) {
      const purchases = Array.from({ length: BATCH }, (_, index) => ({
        purchaseId: String(first + index).padStart(7, '0'),
        cuid: 'whale',
        revenueMicros: 100_000n,
        timestamp: 1_777_629_600_000,
      }))
      await store.write('recordPurchases', { orgId, purchases })
    }
    const user = await store.db
      .selectFrom('users as u')
      .select(['u.purchases', 'u.purchases_micros'])
      .where('u.org_id', '=', orgId)
      .executeTakeFirstOrThrow()
    assert.equal(user.purchases, PURCHASES)
    assert.equal(formatMicros(BigInt(user.purchases_micros)), '100000.00')
  })
}
