import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordVips, totalOf } from '../../test/lists.ts'
import { makeOrganization } from '../../test/organization.ts'
import { eachStore } from '../../test/stores.ts'
import { makeLists } from './make-lists.ts'
import { verifyStore } from './verify.ts'

eachStore(
  (get) => {
    test('a channel connected over users who are there shows them once its list is made', async () => {
      const { store } = get()
      const { orgId, workspaceKey, workspaceId, channels } = await makeOrganization(store, {
        vipIndicator: 'ltv >= 0',
        channels: 2,
      })
      const [connected, other] = channels
      assert(connected && other)
      await store.write('disconnectChannel', { orgId, workspaceKey, channelKey: other.channelKey })
      await recordVips(store, { orgId, mediumId: other.mediumId, count: 30 })
      assert.equal(await totalOf(store, { orgId, workspaceId, mediumId: other.mediumId }), 'unknown channel')

      await store.write('connectChannel', { orgId, workspaceKey, channelKey: other.channelKey })
      assert.equal(await totalOf(store, { orgId, workspaceId, mediumId: other.mediumId }), 0)
      assert.equal(await totalOf(store, { orgId, workspaceId, mediumId: connected.mediumId }), 0)
      await makeLists(store, { orgId, workspaceKey })
      assert.equal(await totalOf(store, { orgId, workspaceId, mediumId: other.mediumId }), 30)
      assert.deepEqual(await verifyStore(store, { orgId }), [])
    })

    test('a rule that asks for a key that no property has makes nobody VIP, and reports go on', async () => {
      const { store } = get()
      const { orgId, workspaceKey, workspaceId, channels } = await makeOrganization(store, { vipIndicator: 'ltv >= 0' })
      const mediumId = channels[0]?.mediumId ?? ''
      await recordVips(store, { orgId, mediumId, count: 10 })
      const vipIndicator = 'properties["\\u0000"] == 1 || "" in properties'
      await store.write('setVipIndicator', { orgId, workspaceKey, vipIndicator })
      const verdicts = await makeLists(store, { orgId, workspaceKey })
      assert.deepEqual([verdicts?.vip, verdicts?.failed], [0, 10])
      const user = { cuid: 'new', properties: [], lastAppOpenTimestamp: 1, eventTimestamp: 1 }
      await store.write('recordUsers', { orgId, users: [user] })
      assert.equal(await totalOf(store, { orgId, workspaceId, mediumId }), 0)
      assert.deepEqual(await verifyStore(store, { orgId }), [])
    })

    test('the old list is served whole until the new rule has judged everybody', async () => {
      const { store } = get()
      const { orgId, workspaceKey, workspaceId, channels } = await makeOrganization(store, {
        vipIndicator: 'ltv >= 10',
      })
      const mediumId = channels[0]?.mediumId ?? ''
      const list = { orgId, workspaceId, mediumId }
      await recordVips(store, { orgId, mediumId, count: 40 })
      assert.equal(await totalOf(store, list), 30)

      await store.write('setVipIndicator', { orgId, workspaceKey, vipIndicator: 'ltv >= 30' })
      await store.write('buildChunk', { orgId, workspaceKey, size: 25 })
      assert.equal(await totalOf(store, list), 30)
      // into both generations: below the chunks' place, above it, and new
      const purchases = ['1', '39', 'new'].map((name) => ({
        purchaseId: `late-${orgId}-${name}`,
        cuid: `u${name}`,
        revenueMicros: 100_000_000n,
        timestamp: 1_780_000_000_000,
      }))
      await store.write('recordPurchases', { orgId, purchases })
      assert.equal(await totalOf(store, list), 31)
      assert.deepEqual(await verifyStore(store, { orgId }), [])

      // keys are given in the order of the cuids: u31 … u39 and unew are VIP of those that are left, u4 … u9 are not
      const verdicts = await makeLists(store, { orgId, workspaceKey })
      assert.deepEqual([verdicts?.vip, verdicts?.notVip, verdicts?.failed], [10, 6, 0])
      assert.equal(await totalOf(store, list), 11)
      assert.deepEqual(await verifyStore(store, { orgId }), [])
    })

    test('a second rule supersedes one that is being made', async () => {
      const { store } = get()
      const { orgId, workspaceKey, workspaceId, channels } = await makeOrganization(store, {
        vipIndicator: 'ltv >= 10',
      })
      const mediumId = channels[0]?.mediumId ?? ''
      await recordVips(store, { orgId, mediumId, count: 40 })
      await store.write('setVipIndicator', { orgId, workspaceKey, vipIndicator: 'ltv >= 0' })
      const first = await store.write('buildChunk', { orgId, workspaceKey, size: 100 })
      await store.write('setVipIndicator', { orgId, workspaceKey, vipIndicator: 'ltv >= 38' })
      const swapped = await store.write('finishBuild', { orgId, workspaceKey, generation: first?.generation ?? 0 })
      assert.equal(swapped, false)
      await makeLists(store, { orgId, workspaceKey })
      assert.equal(await totalOf(store, { orgId, workspaceId, mediumId }), 2)
      assert.deepEqual(await verifyStore(store, { orgId }), [])
      const left = await store.db
        .selectFrom('vip_users as v')
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .where('v.org_id', '=', orgId)
        .executeTakeFirstOrThrow()
      assert.equal(Number(left.count), 2)
    })

    test('a slow rule holds the store for a part of a chunk, and comes to everybody all the same', async () => {
      const { store } = get()
      const { orgId, workspaceKey } = await makeOrganization(store, { vipIndicator: null })
      const count = 400
      const [eventTimestamp, lastAppOpenTimestamp] = [1_770_000_000_000, null]
      const properties = [{ key: 'bio', value: 'a'.repeat(4_096) }]
      const users = Array.from({ length: count }, (_, n) => ({
        cuid: `slow-${n}`,
        properties,
        lastAppOpenTimestamp,
        eventTimestamp,
      }))
      await store.write('recordUsers', { orgId, users })
      const vipIndicator = Array(45).fill('bio.contains("ab")').join(' || ')
      await store.write('setVipIndicator', { orgId, workspaceKey, vipIndicator })
      const first = await store.write('buildChunk', { orgId, workspaceKey, size: count })
      const judged = first?.users ?? 0
      assert(judged > 0 && judged < count, `${judged} judged`)
      assert.equal(first?.verdicts.notVip, judged)
      const verdicts = await makeLists(store, { orgId, workspaceKey })
      assert.equal(verdicts?.notVip, count - judged)
      assert.deepEqual(await verifyStore(store, { orgId }), [])
    })

    test('a disconnected channel has no list at once, and one that comes back has the right one', async () => {
      const { store } = get()
      const { orgId, workspaceKey, workspaceId, channels } = await makeOrganization(store, { vipIndicator: 'ltv >= 0' })
      const [channel] = channels
      assert(channel)
      const list = { orgId, workspaceId, mediumId: channel.mediumId }
      await recordVips(store, { orgId, mediumId: channel.mediumId, count: 10 })
      await store.write('disconnectChannel', { orgId, workspaceKey, channelKey: channel.channelKey })
      assert.equal(await totalOf(store, list), 'unknown channel')
      await recordVips(store, { orgId, mediumId: channel.mediumId, count: 12 })
      await store.write('connectChannel', { orgId, workspaceKey, channelKey: channel.channelKey })
      // what the earlier connection has left follows no write any more
      const page = { ...list, months: null, limit: 20, offset: 0, withLtv: true, withRanks: true }
      assert.partialDeepStrictEqual(await store.readList(page), { total: 0, returned: 0 })
      await makeLists(store, { orgId, workspaceKey })
      assert.equal(await totalOf(store, list), 12)
      assert.deepEqual(await verifyStore(store, { orgId }), [])
    })

    test('writes go on while what a disconnected channel has left is being deleted', async () => {
      const { store } = get()
      const { orgId, workspaceKey, workspaceId, channels } = await makeOrganization(store, { vipIndicator: 'ltv >= 0' })
      const [channel] = channels
      assert(channel)
      const list = { orgId, workspaceId, mediumId: channel.mediumId }
      // more than one deletion takes
      await recordVips(store, { orgId, mediumId: channel.mediumId, count: 2_500 })
      await store.write('disconnectChannel', { orgId, workspaceKey, channelKey: channel.channelKey })
      assert.deepEqual(await verifyStore(store, { orgId }), [])
      await store.write('deleteStale', { orgId })
      const purchases = Array.from({ length: 2_500 }, (_, n) => ({
        purchaseId: `again-${n}`,
        cuid: `u${n}`,
        revenueMicros: 1_000_000n,
        timestamp: 1_780_000_000_000,
      }))
      await store.write('recordPurchases', { orgId, purchases })
      await store.write('connectChannel', { orgId, workspaceKey, channelKey: channel.channelKey })
      await makeLists(store, { orgId, workspaceKey })
      assert.equal(await totalOf(store, list), 2_500)
      assert.deepEqual(await verifyStore(store, { orgId }), [])
    })
  },
  { rangeRows: 5 },
)
