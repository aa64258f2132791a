import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeBuyers } from '../../test/buyers.ts'
import { totalOf } from '../../test/lists.ts'
import { eachStore } from '../../test/stores.ts'
import { settleAllDue } from './settle-due.ts'
import { verifyStore } from './verify.ts'

const HOUR_MS = 3_600_000

eachStore((get) => {
  test('a user whose time has run out leaves the list without a write of their own', async () => {
    const { store } = get()
    const list = await makeBuyers(get(), 'now - lastPurchaseTimestamp < hours(2)', 2)
    const { signal } = new AbortController()
    await settleAllDue(store, Date.now(), signal)
    assert.equal(await totalOf(store, list), 2)

    await list.anHourPasses('buyer-1')
    assert.equal(await totalOf(store, list), 2)
    await settleAllDue(store, Date.now(), signal)
    assert.equal(await totalOf(store, list), 1)
    assert.deepEqual(await verifyStore(store, { orgId: list.orgId }), [])
  })

  test('a fact that comes late and does not change a mark leaves it right', async () => {
    const { store } = get()
    const list = await makeBuyers(get(), 'now - lastPurchaseTimestamp > hours(1)', 1)
    await list.anHourPasses()
    // an hour ago, when the mark was judged, this would have been too short ago
    const late = { purchaseId: 'late', cuid: 'buyer-0', revenueMicros: 1n, timestamp: list.now - 1.2 * HOUR_MS }
    await store.write('recordPurchases', { orgId: list.orgId, purchases: [late] })
    assert.equal(await totalOf(store, list), 1)
    assert.deepEqual(await verifyStore(store, { orgId: list.orgId }), [])
  })
})
