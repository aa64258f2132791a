import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { toApiError } from '../src/http/error-handler.ts'
import { verifyStore } from '../src/vip-users/verify.ts'
import { recordVips } from './lists.ts'
import { makeOrganization } from './organization.ts'
import { onStore } from './stores.ts'

const BATCHES = 120
const ITEMS = 50
const TERMINATIONS = 10

onStore('PostgreSQL', (get) => {
  test('writes whose connection to PostgreSQL is cut are answered 503, and nothing of them is there in part', async () => {
    const { store, execute } = get()
    const { orgId, channels } = await makeOrganization(store)
    await recordVips(store, { orgId, mediumId: channels[0]?.mediumId ?? '', count: 200 })
    const outcomes = Promise.allSettled(
      Array.from({ length: BATCHES }, (_, batch) =>
        store.write('recordPurchases', { orgId, purchases: purchasesOf(batch) }),
      ),
    )
    for (let times = 0; times < TERMINATIONS; times++) {
      await pause(30)
      await execute(`select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'dynamo' and state <> 'idle'`)
    }
    const failed = new Set<number>()
    for (const [batch, outcome] of (await outcomes).entries()) {
      if (outcome.status === 'fulfilled') continue
      failed.add(batch)
      assert.equal(toApiError(outcome.reason).statusCode, 503, String(outcome.reason))
    }
    assert.ok(failed.size > 0, `${failed.size} of ${BATCHES} were cut`)
    const stored = await store.db
      .selectFrom('purchases as p')
      .select('p.purchase_id')
      .where('p.org_id', '=', orgId)
      .execute()
    const counts = new Map<number, number>()
    for (const { purchase_id } of stored) {
      const batch = Number.parseInt(purchase_id, 10)
      counts.set(batch, (counts.get(batch) ?? 0) + 1)
    }
    for (let batch = 0; batch < BATCHES; batch++) {
      const count = counts.get(batch) ?? 0
      // one that was cut while it was being committed may be there, as a whole
      assert.ok(count === ITEMS || (count === 0 && failed.has(batch)), `${count} purchases of batch ${batch}`)
    }
    assert.deepEqual(await verifyStore(store, { orgId }), [])
  })
})

function purchasesOf(batch: number) {
  return Array.from({ length: ITEMS }, (_, item) => ({
    purchaseId: `${batch}-${item}`,
    cuid: `u${(batch * 7 + item) % 250}`,
    revenueMicros: 1_000_000n,
    timestamp: 1_780_000_000_000,
  }))
}
