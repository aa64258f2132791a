import assert from 'node:assert/strict'
import { test } from 'node:test'
import { totalOf } from '../../test/lists.ts'
import { makeOrganization } from '../../test/organization.ts'
import { eachStore } from '../../test/stores.ts'
import { settleAllDue } from './settle-due.ts'
import { verifyStore } from './verify.ts'

const HOUR_MS = 3_600_000

eachStore((get) => {
  test('a user whose time has run out leaves the list without a write of their own', async () => {
    const { store, execute } = get()
    const vipIndicator = 'now - lastPurchaseTimestamp < hours(2)'
    const { orgId, workspaceId, channels } = await makeOrganization(store, { vipIndicator })
    const mediumId = channels[0]?.mediumId ?? ''
    const now = Date.now()
    const people = ['recent', 'earlier']
    await store.write('recordConversations', {
      orgId,
      conversations: people.map((cuid) => ({
        conversationId: `${orgId}-${cuid}`,
        mediumId,
        platformUserId: cuid,
        userName: null,
        firstName: null,
        lastName: null,
        profilePic: null,
        lastUserMessageTimestamp: null,
        cuid,
        eventTimestamp: now,
      })),
    })
    await store.write('recordPurchases', {
      orgId,
      purchases: people.map((cuid) => ({
        purchaseId: cuid,
        cuid,
        revenueMicros: 1_000_000n,
        timestamp: now - HOUR_MS,
      })),
    })
    const list = { orgId, workspaceId, mediumId }
    const { signal } = new AbortController()
    await settleAllDue(store, Date.now(), signal)
    assert.equal(await totalOf(store, list), 2)

    // as if one had bought, and been judged, two hours earlier
    await execute(
      `update purchases set timestamp = timestamp - ${2 * HOUR_MS} where purchase_id = 'earlier' and org_id = ${orgId}`,
    )
    await execute(`update users set last_purchase_timestamp = last_purchase_timestamp - ${2 * HOUR_MS}
      where cuid = 'earlier' and org_id = ${orgId}`)
    await execute(`update vip_marks set due_timestamp = due_timestamp - ${2 * HOUR_MS}, judged_timestamp = judged_timestamp - ${2 * HOUR_MS}
      where org_id = ${orgId} and user_key = (select user_key from users where cuid = 'earlier' and org_id = ${orgId})`)
    assert.equal(await totalOf(store, list), 2)
    await settleAllDue(store, Date.now(), signal)
    assert.equal(await totalOf(store, list), 1)
    assert.deepEqual(await verifyStore(store, { orgId }), [])
  })
})
