import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordVips } from '../../test/lists.ts'
import { makeOrganization } from '../../test/organization.ts'
import { eachStore } from '../../test/stores.ts'
import type { Store } from '../database/store.ts'
import { verifyStore } from '../vip-users/verify.ts'

const TIMESTAMP = 1_770_000_000_000
const ERASED_TIMESTAMP = TIMESTAMP + 5_000

const purchase = (purchaseId: string, cuid: string, timestamp: number) => ({
  purchaseId,
  cuid,
  revenueMicros: 5_000_000n,
  timestamp,
})

const user = (cuid: string, eventTimestamp: number, lastAppOpenTimestamp: number | null = null) => ({
  cuid,
  properties: [{ key: 'firstName', value: 'Ann' }],
  lastAppOpenTimestamp,
  eventTimestamp,
})

const conversation = (mediumId: string, cuid: string, eventTimestamp: number) => ({
  conversationId: null,
  mediumId,
  platformUserId: `p-${cuid}`,
  userName: 'ann',
  firstName: null,
  lastName: null,
  profilePic: null,
  lastUserMessageTimestamp: eventTimestamp,
  cuid,
  eventTimestamp,
})

async function usersOf(store: Store, orgId: number) {
  const rows = await store.db
    .selectFrom('users as u')
    .select(['u.cuid', 'u.purchases', 'u.first_name', 'u.last_app_open_timestamp'])
    .where('u.org_id', '=', orgId)
    .orderBy('u.cuid')
    .execute()
  return rows.map((row) => ({ ...row }))
}

eachStore((get) => {
  test('facts dated before the erasure of their user are dropped, and newer ones start from nothing', async () => {
    const { store } = get()
    const { orgId, channels } = await makeOrganization(store, { vipIndicator: 'ltv >= 1' })
    const mediumId = channels[0]?.mediumId ?? ''
    await store.write('recordPurchases', { orgId, purchases: [purchase('p1', 'ann', TIMESTAMP)] })
    await store.write('eraseUser', { orgId, cuid: 'ann', erasedTimestamp: ERASED_TIMESTAMP })
    const before = ERASED_TIMESTAMP - 1

    const purchases = [purchase('p1', 'ann', before), purchase('p2', 'bob', before)]
    assert.deepEqual(await store.write('recordPurchases', { orgId, purchases }), ['erased', 'recorded'])
    const { outcomes } = await store.write('recordUsers', { orgId, users: [user('ann', before), user('bob', before)] })
    assert.deepEqual(outcomes, ['erased', 'recorded'])
    const conversations = [conversation(mediumId, 'ann', before), conversation(mediumId, 'bob', before)]
    assert.deepEqual(await store.write('recordConversations', { orgId, conversations }), ['erased', 'recorded'])
    const bob = { cuid: 'bob', purchases: 1, first_name: 'Ann', last_app_open_timestamp: null }
    assert.deepEqual(await usersOf(store, orgId), [bob])

    // the same purchase, of a time after the erasure, counts again
    await store.write('recordPurchases', { orgId, purchases: [purchase('p1', 'ann', ERASED_TIMESTAMP)] })
    await store.write('recordUsers', { orgId, users: [user('ann', ERASED_TIMESTAMP, before)] })
    await store.write('recordConversations', {
      orgId,
      conversations: [conversation(mediumId, 'ann', ERASED_TIMESTAMP)],
    })
    const ann = { cuid: 'ann', purchases: 1, first_name: 'Ann', last_app_open_timestamp: null }
    assert.deepEqual(await usersOf(store, orgId), [ann, bob])
    assert.deepEqual(await verifyStore(store, { orgId }), [])
  })

  test('an erasure leaves a receipt that says how much of what is gone, and nothing of whom', async () => {
    const { store } = get()
    const { orgId, channels } = await makeOrganization(store, { vipIndicator: 'ltv >= 2', channels: 2 })
    await recordVips(store, { orgId, mediumId: channels[0]?.mediumId ?? '', count: 5 })
    await store.write('recordUsers', { orgId, users: [user('u4', TIMESTAMP)] })
    const erasure = await store.write('eraseUser', { orgId, cuid: 'u4', erasedTimestamp: ERASED_TIMESTAMP })
    const unknown = await store.write('eraseUser', { orgId, cuid: 'nobody', erasedTimestamp: ERASED_TIMESTAMP + 1 })
    // a hash and a random id: the two letters of the user's own id stand in one of a hundred hashes
    assert.match(`${erasure.userHash} ${erasure.receiptId}`, /^[\w-]{43} [0-9a-f]{24}$/)
    const receipts = await store.db
      .selectFrom('receipts as r')
      .selectAll()
      .where('r.org_id', '=', orgId)
      .orderBy('r.erased_timestamp')
      .execute()
    const stamps = { org_id: orgId, compacted_timestamp: null }
    assert.deepEqual(
      receipts.map(({ erased, ...receipt }) => ({ ...receipt, erased: JSON.parse(erased) })),
      [
        {
          ...stamps,
          receipt_id: erasure.receiptId,
          erased_timestamp: ERASED_TIMESTAMP,
          erased: {
            conversations: 1,
            idempotentAnswers: 0,
            links: 0,
            listRows: 1,
            personalInformation: 0,
            profileReads: 0,
            properties: 1,
            purchases: 1,
            users: 1,
            vipMarks: 1,
            exports: 0,
            webhookEvents: 0,
          },
        },
        { ...stamps, receipt_id: unknown.receiptId, erased_timestamp: ERASED_TIMESTAMP + 1, erased: {} },
      ],
    )
  })

  test("an erasure touches no other organization's user of the same id", async () => {
    const { store } = get()
    const [one, other] = [await makeOrganization(store), await makeOrganization(store)]
    for (const { orgId } of [one, other]) {
      await store.write('recordPurchases', { orgId, purchases: [purchase('p1', 'ann', TIMESTAMP)] })
    }
    await store.write('eraseUser', { orgId: one.orgId, cuid: 'ann', erasedTimestamp: ERASED_TIMESTAMP })
    const purchases = [purchase('p1', 'ann', TIMESTAMP), purchase('p2', 'ann', TIMESTAMP)]
    assert.deepEqual(await store.write('recordPurchases', { orgId: other.orgId, purchases }), ['repeated', 'recorded'])
    assert.deepEqual(await usersOf(store, one.orgId), [])
    assert.equal((await usersOf(store, other.orgId))[0]?.purchases, 2)
  })

  test('who is erased while two servers take their purchases is gone, however the two meet', async () => {
    const { store, openAnother } = get()
    const servers = [store, await openAnother()] as const
    const { orgId, channels } = await makeOrganization(store, { vipIndicator: 'ltv >= 1' })
    await recordVips(store, { orgId, mediumId: channels[0]?.mediumId ?? '', count: 24 })
    const cuids = Array.from({ length: 24 }, (_, n) => `u${n}`)
    const writes = cuids.flatMap((erased, n) => {
      const [one, other] = n % 2 === 0 ? servers : [servers[1], servers[0]]
      const batch = (round: string) => cuids.map((cuid) => purchase(`${round}-${n}-${cuid}`, cuid, TIMESTAMP + n))
      return [
        one.write('recordPurchases', { orgId, purchases: batch('a') }),
        // every third stays
        ...(n % 3 === 0 ? [] : [other.write('eraseUser', { orgId, cuid: erased, erasedTimestamp: ERASED_TIMESTAMP })]),
        other.write('recordPurchases', { orgId, purchases: batch('b').reverse() }),
      ]
    })
    await Promise.all(writes)
    const left = await usersOf(store, orgId)
    assert.deepEqual(
      left.map(({ cuid, purchases }) => [cuid, purchases]),
      cuids
        .filter((_, n) => n % 3 === 0)
        .sort()
        .map((cuid) => [cuid, 49]),
    )
    assert.deepEqual(await verifyStore(store, { orgId }), [])
  })
})
