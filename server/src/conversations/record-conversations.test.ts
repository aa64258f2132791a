import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeOrganization } from '../../test/organization.ts'
import { eachStore } from '../../test/stores.ts'
import { verifyStore } from '../vip-users/verify.ts'

const TIMESTAMP = 1_770_000_000_000

eachStore((get) => {
  test('a user whom only a losing report names is judged like any other', async () => {
    const { store } = get()
    const { orgId, channels } = await makeOrganization(store, { vipIndicator: 'purchases == 0' })
    const report = (cuid: string, eventTimestamp: number) => ({
      conversationId: 'c',
      mediumId: channels[0]?.mediumId ?? '',
      platformUserId: 'p',
      userName: 'Ann',
      firstName: null,
      lastName: null,
      profilePic: null,
      lastUserMessageTimestamp: null,
      cuid,
      eventTimestamp,
    })
    await store.write('recordConversations', {
      orgId,
      conversations: [report('loses', TIMESTAMP), report('wins', TIMESTAMP + 1)],
    })
    await store.write('recordConversations', { orgId, conversations: [report('too late', TIMESTAMP - 1)] })
    assert.deepEqual(await verifyStore(store, { orgId }), [])
  })

  test('two rows that contradict each other change nothing the second time', async () => {
    const { store } = get()
    const { orgId, channels } = await makeOrganization(store)
    const report = (userName: string) => ({
      conversationId: null,
      mediumId: channels[0]?.mediumId ?? '',
      platformUserId: 'p',
      userName,
      firstName: null,
      lastName: null,
      profilePic: null,
      lastUserMessageTimestamp: -5,
      cuid: null,
      eventTimestamp: TIMESTAMP,
    })
    const conversations = [report('Ann'), report('Bea')]
    assert.deepEqual(await store.write('recordConversations', { orgId, conversations }), ['recorded', 'recorded'])
    assert.deepEqual(await store.write('recordConversations', { orgId, conversations }), ['unchanged', 'unchanged'])
  })
})
