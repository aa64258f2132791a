import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordVips } from '../../test/lists.ts'
import { makeOrganization } from '../../test/organization.ts'
import { eachStore } from '../../test/stores.ts'
import { exportUser } from './export-user.ts'

const TIMESTAMP = 1_770_000_000_000

eachStore((get) => {
  test('all that is kept of a user can be handed to them, and nothing of others', async () => {
    const { store } = get()
    const { orgId, workspaceId, channels } = await makeOrganization(store, { vipIndicator: 'ltv >= 2' })
    const mediumId = channels[0]?.mediumId ?? ''
    await recordVips(store, { orgId, mediumId, count: 4 })
    const properties = [
      { key: 'plan', value: 'pro' },
      { key: 'old', value: null },
    ]
    await store.write('recordUsers', {
      orgId,
      users: [{ cuid: 'u3', properties, lastAppOpenTimestamp: TIMESTAMP + 1, eventTimestamp: TIMESTAMP }],
    })
    const claims = [{ field: 'firstName' as const, value: 'Ann' }]
    await store.write('setPersonalInformation', { orgId, cuid: 'u3', author: 'operator', claims })

    const event = {
      orgId,
      channelKey: channels[0]?.channelKey ?? 0,
      mediumId,
      kind: 'message',
      timestamp: TIMESTAMP,
    } as const
    const events = ['p2', 'p3'].map((platformUserId) => ({ ...event, platformUserId, midHash: null, linkId: null }))
    await store.write('storeEvents', { events })

    const exported = JSON.parse(JSON.stringify(await exportUser(store, { orgId, cuid: 'u3' })))
    const {
      properties: kept,
      personalInformation,
      conversations,
      webhookEvents,
      vipMarks,
      listRows,
      ...user
    } = exported
    assert.deepEqual(user, {
      cuid: 'u3',
      firstName: 'Ann',
      lastName: null,
      birthday: null,
      ltv: 3,
      lastPurchaseTimestamp: TIMESTAMP,
      lastAppOpenTimestamp: TIMESTAMP + 1,
      purchases: [{ purchaseId: 'first-3', timestamp: TIMESTAMP, revenue: 3 }],
      links: [],
      idempotentAnswers: [],
    })
    assert.deepEqual(
      kept.map(({ key, value, eventTimestamp }: Record<string, unknown>) => [key, value, eventTimestamp]),
      [
        ['old', null, TIMESTAMP],
        ['plan', 'pro', TIMESTAMP],
      ],
    )
    assert.deepEqual(
      personalInformation.map(({ field, value, author }: Record<string, unknown>) => [field, value, author]),
      [['firstName', 'Ann', 'operator']],
    )
    assert.equal(conversations.length, 1)
    assert.equal(conversations[0].conversationId, `${mediumId}-3`)
    assert.equal(conversations[0].userName, 'User 3')
    assert.equal(webhookEvents.length, 1)
    assert.deepEqual([webhookEvents[0].conversationId, webhookEvents[0].timestamp], [`${mediumId}-3`, TIMESTAMP])
    assert.deepEqual([vipMarks[0].workspaceId, vipMarks[0].vip], [workspaceId, true])
    assert.deepEqual([listRows[0].mediumId, listRows[0].row.cuid], [mediumId, 'u3'])
    assert.doesNotMatch(JSON.stringify(exported), /u[012]|User [012]/)
    assert.equal(await exportUser(store, { orgId, cuid: 'nobody' }), null)
  })
})
