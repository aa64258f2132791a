import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeOrganization } from '../../test/organization.ts'
import { eachStore } from '../../test/stores.ts'

eachStore((get) => {
  test('a purchase puts an identified user into the list of the channel', async () => {
    const { store } = get()
    const { orgId, workspaceId, channels } = await makeOrganization(store)
    const [channel] = channels
    assert(channel)
    const day = Date.parse('2026-05-30T00:00:00Z')
    await store.write('recordConversations', {
      orgId,
      conversations: [
        {
          conversationId: 'c1',
          mediumId: channel.mediumId,
          platformUserId: 'p1',
          userName: 'Ann Lee',
          firstName: 'Ann',
          lastName: 'Lee',
          profilePic: 'https://example.com/1.png',
          lastUserMessageTimestamp: day,
          cuid: 'u1',
          eventTimestamp: day,
        },
      ],
    })
    await store.write('recordUsers', {
      orgId,
      users: [
        {
          cuid: 'u1',
          properties: [{ key: 'dob', value: '1980-02-29' }],
          lastAppOpenTimestamp: day + 1,
          eventTimestamp: day,
        },
      ],
    })
    const outcomes = await store.write('recordPurchases', {
      orgId,
      purchases: [
        { purchaseId: 'b1', cuid: 'u1', revenueMicros: 99_990_000n, timestamp: day },
        { purchaseId: 'b2', cuid: 'u1', revenueMicros: 10_000n, timestamp: day + 5 },
        { purchaseId: 'b2', cuid: 'u1', revenueMicros: 10_000n, timestamp: day + 5 },
        { purchaseId: 'b2', cuid: 'u1', revenueMicros: 20_000n, timestamp: day + 5 },
      ],
    })
    assert.deepEqual(outcomes, ['recorded', 'recorded', 'repeated', 'conflict'])
    const question = { orgId, workspaceId, mediumId: channel.mediumId, limit: 10, offset: 0 }
    for (const months of [null, 'any', 2] as const) {
      const page = await store.readList({ ...question, months })
      assert(typeof page !== 'string', String(page))
      assert.deepEqual([page.total, page.returned], [1, 1])
      assert.deepEqual(JSON.parse(String(page.items)), {
        conversationId: 'c1',
        userName: 'Ann Lee',
        firstName: 'Ann',
        lastName: 'Lee',
        cuid: 'u1',
        profilePic: 'https://example.com/1.png',
        birthday: '1980-02-29',
        lastPurchaseTimestamp: day + 5,
        lastUserMessageTimestamp: day,
        lastAppOpenTimestamp: day + 1,
      })
    }
    const march = await store.readList({ ...question, months: 3 })
    assert(typeof march !== 'string')
    assert.deepEqual([march.total, march.returned, String(march.items)], [0, 0, ''])
  })
})
