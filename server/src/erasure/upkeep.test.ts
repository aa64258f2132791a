import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordVips } from '../../test/lists.ts'
import { makeOrganization } from '../../test/organization.ts'
import { eachStore } from '../../test/stores.ts'
import { whenFree } from '../database/when-free.ts'
import { createErasureUpkeep } from './upkeep.ts'

const QUIET = Date.UTC(2026, 4, 30, 3)
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

eachStore((get) => {
  test('what was erased is overwritten in the quiet hour alone, while reads and writes go on', async () => {
    const { store, env } = get()
    const dataDir = env.DYNAMO_DATA_DIR ?? ''
    const { orgId, channels } = await makeOrganization(store, { vipIndicator: 'ltv >= 0' })
    await recordVips(store, { orgId, mediumId: channels[0]?.mediumId ?? '', count: 500 })
    const erasure = await store.write('eraseUser', { orgId, cuid: 'u1', erasedTimestamp: QUIET - DAY_MS })
    const isCompacted = async () => {
      const receipt = await store.db
        .selectFrom('receipts as r')
        .select('r.compacted_timestamp')
        .where('r.org_id', '=', orgId)
        .where('r.receipt_id', '=', erasure.receiptId)
        .executeTakeFirstOrThrow()
      return receipt.compacted_timestamp !== null
    }
    const keep = createErasureUpkeep(store, dataDir)
    await keep(QUIET - 1)
    await keep(QUIET + HOUR_MS)
    assert.equal(await isCompacted(), false)
    const others = Promise.all([
      store.snapshot((db) => db.selectFrom('users').selectAll().execute()),
      store.write('eraseUser', { orgId, cuid: 'u2', erasedTimestamp: QUIET }),
    ])
    await whenFree(() => createErasureUpkeep(store, dataDir)(QUIET + HOUR_MS - 1))
    await others
    assert.equal(await isCompacted(), true)
  })

  test('that a user was erased is known for 90 days', async () => {
    const { store, env } = get()
    const dataDir = env.DYNAMO_DATA_DIR ?? ''
    const { orgId } = await makeOrganization(store)
    await store.write('eraseUser', { orgId, cuid: 'ann', erasedTimestamp: QUIET })
    const purchases = [{ purchaseId: 'p', cuid: 'ann', revenueMicros: 1n, timestamp: QUIET - 1 }]
    await createErasureUpkeep(store, dataDir)(QUIET - HOUR_MS + 90 * DAY_MS)
    assert.deepEqual(await store.write('recordPurchases', { orgId, purchases }), ['erased'])
    await createErasureUpkeep(store, dataDir)(QUIET + HOUR_MS + 90 * DAY_MS)
    assert.deepEqual(await store.write('recordPurchases', { orgId, purchases }), ['recorded'])
  })
})
