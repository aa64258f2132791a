import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import type { Store } from '../src/database/store.ts'
import { verifyStore } from '../src/vip-users/verify.ts'
import { recordVips } from './lists.ts'
import { makeOrganization } from './organization.ts'
import { eachStore } from './stores.ts'

const USERS = 300
const BATCHES = 24
const ITEMS = 250
const LANES = 24
const TIMESTAMP = 1_780_000_000_000

/** Every batch touches most users, each in an order of its own: what makes writes wait for each other in circles. */
function cuidOf(batch: number, item: number): string {
  return `u${(item * (2 * batch + 1) + 7 * batch) % USERS}`
}

function purchasesOf(batch: number) {
  return Array.from({ length: ITEMS }, (_, item) => ({
    purchaseId: `${batch}-${item}`,
    cuid: cuidOf(batch, item),
    // every fifth a refund
    revenueMicros: BigInt(item % 5 === 0 ? -(item + 1) : item + batch) * 10_000n,
    timestamp: TIMESTAMP + item,
  }))
}

function usersOf(batch: number) {
  return Array.from({ length: ITEMS }, (_, item) => ({
    cuid: cuidOf(batch, item),
    properties: [{ key: 'firstName', value: `Name ${batch}` }],
    lastAppOpenTimestamp: TIMESTAMP + batch,
    eventTimestamp: TIMESTAMP + batch * ITEMS + item,
  }))
}

/** A client waits for each answer: so many writes are under way at once, to both servers in turn. */
async function inLanes(writes: (() => Promise<unknown>)[]): Promise<void> {
  const next = writes.values()
  await Promise.all(
    Array.from({ length: LANES }, async () => {
      for (const write of next) await write()
    }),
  )
}

eachStore((get) => {
  async function reportTo(servers: readonly [Store, Store], vipIndicator: string, known: number) {
    const [store] = servers
    const { orgId, workspaceId, channels } = await makeOrganization(store, { vipIndicator })
    const mediumId = channels[0]?.mediumId ?? ''
    if (known > 0) await recordVips(store, { orgId, mediumId, count: known })
    const writes = Array.from({ length: BATCHES }, (_, batch) => {
      const to = (index: number): Store => servers[index % 2] ?? store
      return [
        () => to(batch).write('recordPurchases', { orgId, purchases: purchasesOf(batch) }),
        () => to(batch + 1).write('recordUsers', { orgId, users: usersOf(batch) }),
        // a retry that overtakes its first try
        () => to(batch + 1).write('recordPurchases', { orgId, purchases: purchasesOf(batch) }),
      ]
    })
    await inLanes(writes.flat())
    const expected = new Map(
      Array.from({ length: USERS }, (_, n) => [`u${n}`, known > 0 ? BigInt(n) * 1_000_000n : 0n]),
    )
    for (let batch = 0; batch < BATCHES; batch++) {
      for (const { cuid, revenueMicros } of purchasesOf(batch))
        expected.set(cuid, (expected.get(cuid) ?? 0n) + revenueMicros)
    }
    return { orgId, workspaceId, mediumId, expected }
  }

  test('two servers that take overlapping batches at once refuse none and lose no cent', async () => {
    const { store, openAnother } = get()
    const servers = [store, await openAnother()] as const
    const { orgId, workspaceId, mediumId, expected } = await reportTo(servers, 'ltv >= -1000000', USERS)
    const order = [...expected].sort(([, one], [, other]) => (one === other ? 0 : one > other ? -1 : 1))
    for (const server of servers) {
      const page = await server.readList({ orgId, workspaceId, mediumId, months: null, limit: USERS, offset: 0 })
      assert(typeof page !== 'string')
      const ltvs = (JSON.parse(`[${page.items}]`) as { cuid: string }[]).map(({ cuid }) => expected.get(cuid))
      assert.deepEqual(
        ltvs,
        order.map(([, micros]) => micros),
      )
    }
    assert.deepEqual(await verifyStore(store, { orgId }), [])
  })

  test('users who are new to both servers at once are made once, and no write waits for another in a circle', async () => {
    const { store, openAnother, countDeadlocks } = get()
    const servers = [await openAnother(), await openAnother()] as const
    const { orgId, expected } = await reportTo(servers, 'ltv >= 100', 0)
    const users = await store.db
      .selectFrom('users as u')
      .select(['u.cuid', sql<string>`cast(u.purchases_micros as text)`.as('micros')])
      .where('u.org_id', '=', orgId)
      .execute()
    assert.deepEqual(new Map(users.map(({ cuid, micros }) => [cuid, BigInt(micros)])), expected)
    assert.deepEqual(await verifyStore(store, { orgId }), [])
    // with its connections a server's counts of them reach the database
    for (const server of servers) await server.close()
    assert.equal(await countDeadlocks(), 0)
  })
})
