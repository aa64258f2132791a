import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordVips } from '../../test/lists.ts'
import { makeOrganization } from '../../test/organization.ts'
import { eachStore } from '../../test/stores.ts'
import { explainUser } from './explain-user.ts'

const now = 1_780_000_000_000

eachStore(
  (get) => {
    test('the explanation of each user has the rank at which the list shows it', async () => {
      const { store } = get()
      const { orgId, workspaceId, channels } = await makeOrganization(store, { vipIndicator: 'ltv >= 5' })
      const mediumId = channels[0]?.mediumId ?? ''
      await recordVips(store, { orgId, mediumId, count: 30 })
      // ties, over several ranges
      const purchases = Array.from({ length: 12 }, (_, n) => ({
        purchaseId: `tie-${n}`,
        cuid: `u${n + 8}`,
        revenueMicros: BigInt(40 - n - 8) * 1_000_000n,
        timestamp: now,
      }))
      await store.write('recordPurchases', { orgId, purchases })
      const page = await store.readList({ orgId, workspaceId, mediumId, months: null, limit: 100, offset: 0 })
      assert(typeof page === 'object')
      const listed = JSON.parse(`[${page.items}]`) as { cuid: string; conversationId: string }[]
      assert.equal(listed.length, 25)
      for (const [index, { cuid, conversationId }] of listed.entries()) {
        const explained = await explainUser(store, { orgId, cuid, now })
        assert.deepEqual(explained?.workspaces[0]?.channels, [
          { mediumId, name: 'Channel 1', conversationId, rank: index + 1, total: 25 },
        ])
      }
      const outside = await explainUser(store, { orgId, cuid: 'u4', now })
      assert.deepEqual([outside?.workspaces[0]?.vip, outside?.workspaces[0]?.channels], [false, []])
    })

    test('an explanation names the facts that each rule read, and why one failed', async () => {
      const { store } = get()
      const { orgId, channels } = await makeOrganization(store, { vipIndicator: 'purchases > 0 && tier == "gold"' })
      await recordVips(store, { orgId, mediumId: channels[0]?.mediumId ?? '', count: 2 })
      const tier = (cuid: string, value: string | number) => ({
        cuid,
        properties: [{ key: 'tier', value }],
        lastAppOpenTimestamp: null,
        eventTimestamp: now,
      })
      await store.write('recordUsers', { orgId, users: [tier('u0', 'gold')] })
      const [gold] = (await explainUser(store, { orgId, cuid: 'u0', now }))?.workspaces ?? []
      assert.deepEqual(
        [gold?.vip, gold?.vipIndicator, gold?.facts, gold?.properties, gold?.failure],
        [true, 'purchases > 0 && tier == "gold"', { purchases: 1 }, { tier: 'gold' }, null],
      )
      const [other] = (await explainUser(store, { orgId, cuid: 'u1', now }))?.workspaces ?? []
      assert.deepEqual(
        [other?.vip, other?.properties, other?.failure],
        [false, { tier: null }, 'the property "tier" is missing'],
      )
    })

    test('a name of the platform profile is kept with when it was so and when it arrived', async () => {
      const { store } = get()
      const { orgId, channels } = await makeOrganization(store)
      const mediumId = channels[0]?.mediumId ?? ''
      const conversation = {
        conversationId: `${mediumId}-named`,
        mediumId,
        platformUserId: 'named',
        userName: null,
        lastName: null,
        profilePic: null,
        lastUserMessageTimestamp: null,
        cuid: 'named',
      }
      const firstSeen = { ...conversation, firstName: 'Jo', eventTimestamp: now }
      const later = { ...conversation, firstName: null, eventTimestamp: now + 1_000 }
      const before = Date.now()
      await store.write('recordConversations', { orgId, conversations: [firstSeen] })
      const after = Date.now()
      await store.write('recordConversations', { orgId, conversations: [later] })
      const { firstName } = (await explainUser(store, { orgId, cuid: 'named', now }))?.fields ?? {}
      assert.deepEqual(
        [firstName?.value, firstName?.source, firstName?.origin, firstName?.eventTimestamp],
        ['Jo', 'platform', `${mediumId}-named`, now],
      )
      const arrived = firstName?.arrivedTimestamp ?? 0
      assert(arrived >= before && arrived <= after)
    })

    test('an explanation has each field with its source, and what lost', async () => {
      const { store } = get()
      const { orgId, channels } = await makeOrganization(store)
      await recordVips(store, { orgId, mediumId: channels[0]?.mediumId ?? '', count: 4 })
      const properties = [
        { key: 'dob', value: '1990-05-12' },
        { key: 'birthday', value: 'in May' },
        { key: 'ltv', value: 149.99 },
      ]
      const report = { cuid: 'u3', properties, lastAppOpenTimestamp: null, eventTimestamp: now }
      await store.write('recordUsers', { orgId, users: [report] })
      const explained = await explainUser(store, { orgId, cuid: 'u3', now })
      assert(explained)
      assert.deepEqual([explained.cuid, explained.ltv, explained.purchases], ['u3', 149.99, 1])
      const { birthday, firstName, ltv } = explained.fields
      assert.deepEqual([birthday.value, birthday.source, birthday.origin], ['1990-05-12', 'properties', 'dob'])
      assert.equal(birthday.eventTimestamp, now)
      assert.deepEqual(
        birthday.lost.map((lost) => [lost.value, lost.origin, lost.why]),
        [['in May', 'birthday', 'is no birthday']],
      )
      assert.deepEqual([firstName.value, firstName.source, firstName.lost], [null, null, []])
      assert.deepEqual([ltv.value, ltv.source], [149.99, 'properties'])
      assert.deepEqual(
        ltv.lost.map((lost) => [lost.value, lost.source, lost.why]),
        [[3, 'purchases', 'properties is trusted more']],
      )
      assert.equal(await explainUser(store, { orgId, cuid: 'nobody', now }), null)
    })
  },
  { rangeRows: 3 },
)
