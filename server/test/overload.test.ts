import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { ApiError } from '../src/http/errors.ts'
import { verifyStore } from '../src/vip-users/verify.ts'
import { recordVips } from './lists.ts'
import { makeOrganization } from './organization.ts'
import { eachStore } from './stores.ts'

const BATCHES = 1_600
const ITEMS = 4

eachStore((get) => {
  test('of more batches than a store can take some are refused, none in part, and lists are read meanwhile', async () => {
    const { store } = get()
    const { orgId, workspaceId, channels } = await makeOrganization(store)
    const list = { orgId, workspaceId, mediumId: channels[0]?.mediumId ?? '', months: null, limit: 10, offset: 0 }
    await recordVips(store, { orgId, mediumId: list.mediumId, count: 150 })
    let left = BATCHES
    const outcomes = Promise.allSettled(
      Array.from({ length: BATCHES }, (_, batch) =>
        store.write('recordPurchases', { orgId, purchases: purchasesOf(batch) }).finally(() => {
          left -= 1
        }),
      ),
    )
    const tookMs: number[] = []
    for (; left > 0; await pause(5)) {
      const began = performance.now()
      const page = await store.readList(list)
      tookMs.push(performance.now() - began)
      assert(typeof page !== 'string' && page.returned === list.limit)
    }
    assert.ok(tookMs.length > 20 && Math.max(...tookMs) < 1_000, `${tookMs.length} reads, ${Math.max(...tookMs)} ms`)

    const expected: string[] = []
    for (const [batch, outcome] of (await outcomes).entries()) {
      if (outcome.status === 'fulfilled') expected.push(...purchasesOf(batch).map(({ purchaseId }) => purchaseId))
      else assert.ok(outcome.reason instanceof ApiError && outcome.reason.statusCode === 503, String(outcome.reason))
    }
    assert.ok(expected.length > 0 && expected.length < BATCHES * ITEMS, `${expected.length} taken`)
    const stored = await store.db
      .selectFrom('purchases as p')
      .select('p.purchase_id')
      .where('p.org_id', '=', orgId)
      .where('p.purchase_id', 'like', 'batch-%')
      .execute()
    assert.deepEqual(stored.map((row) => row.purchase_id).sort(), expected.sort())
    assert.deepEqual([store.writeDepth(), await verifyStore(store, { orgId })], [0, []])
  })
})

function purchasesOf(batch: number) {
  return Array.from({ length: ITEMS }, (_, item) => ({
    purchaseId: `batch-${batch}-${item}`,
    cuid: `u${(batch * ITEMS + item) % 200}`,
    revenueMicros: 1_000_000n,
    timestamp: 1_780_000_000_000,
  }))
}
