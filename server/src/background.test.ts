import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { startBackground } from '../test/background.ts'
import { makeBuyers } from '../test/buyers.ts'
import { recordVips, totalOf } from '../test/lists.ts'
import { makeOrganization } from '../test/organization.ts'
import { eachStore } from '../test/stores.ts'
import type { Store } from './database/store.ts'
import { verifyStore } from './vip-users/verify.ts'

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await pause(10)
}

/** The store as a server's background work sees it, with something done before each write. */
function watch(store: Store, before: (name: string) => Promise<unknown>): Store {
  return {
    ...store,
    // the named write's own result
    write: (async (name: never, args: never) => {
      await before(name)
      return await store.write(name, args)
    }) as unknown as Store['write'],
  }
}

eachStore((get) => {
  test('a rule that is set while a server marks by another is the one that counts in the end', async () => {
    const { store } = get()
    const workspace = await makeOrganization(store, { vipIndicator: 'ltv >= 10' })
    const { orgId, workspaceKey, workspaceId, channels } = workspace
    const list = { orgId, workspaceId, mediumId: channels[0]?.mediumId ?? '' }
    await recordVips(store, { orgId, mediumId: list.mediumId, count: 700 })
    await store.write('setVipIndicator', { orgId, workspaceKey, vipIndicator: 'ltv >= 0' })
    let chunks = 0
    const watched = watch(store, async (name) => {
      if (name !== 'buildChunk' || ++chunks !== 2) return
      assert.equal(await totalOf(store, list), 690)
      await store.write('setVipIndicator', { orgId, workspaceKey, vipIndicator: 'ltv >= 600' })
    })
    const background = startBackground(watched)
    const totals = new Set<unknown>()
    await until(async () => {
      totals.add(await totalOf(store, list))
      return totals.has(100)
    })
    await background.stop()
    assert.deepEqual([...totals], [690, 100])
    assert.deepEqual(await verifyStore(store, { orgId }), [])
  })

  test('nobody stays due while a server makes a list', async () => {
    const { store } = get()
    const list = await makeBuyers(get(), 'now - lastPurchaseTimestamp < hours(2)', 3)
    const other = await makeOrganization(store, { vipIndicator: 'ltv >= 10' })
    await recordVips(store, { ...other, mediumId: other.channels[0]?.mediumId ?? '', count: 10 })
    await store.write('setVipIndicator', { ...other, vipIndicator: 'ltv >= 0' })
    await list.anHourPasses()
    const made = Promise.withResolvers<void>()
    const background = startBackground(
      watch(store, (name) => (name === 'buildChunk' ? made.promise : Promise.resolve())),
    )
    await until(async () => (await totalOf(store, list)) === 0)
    made.resolve()
    await background.stop()
  })
})
