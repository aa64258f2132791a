import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeOrganization } from '../../test/organization.ts'
import { eachStore } from '../../test/stores.ts'
import { MAX_LTV_MICROS } from '../users/money.ts'
import { verifyStore } from '../vip-users/verify.ts'

const TIMESTAMP = 1_780_000_000_000

eachStore((get) => {
  for (const [name, sign] of [
    ['greatest', 1n],
    ['smallest', -1n],
  ] as const) {
    test(`a sum may be the ${name} LTV and not a millionth more, however large the batch`, async () => {
      const { store } = get()
      const { orgId } = await makeOrganization(store)
      const purchase = (purchaseId: string, revenueMicros: bigint) => ({
        purchaseId,
        cuid: 'whale',
        revenueMicros: sign * revenueMicros,
        timestamp: TIMESTAMP,
      })
      await store.write('recordPurchases', { orgId, purchases: [purchase('all', MAX_LTV_MICROS)] })
      for (const purchases of [
        [purchase('one', 1n)],
        [purchase('first', MAX_LTV_MICROS), purchase('second', MAX_LTV_MICROS), purchase('third', MAX_LTV_MICROS)],
      ]) {
        await assert.rejects(store.write('recordPurchases', { orgId, purchases }), /LTV of a user would pass/)
      }
      const back = { ...purchase('back', 1n), revenueMicros: -sign }
      assert.deepEqual(await store.write('recordPurchases', { orgId, purchases: [back] }), ['recorded'])
      assert.deepEqual(await verifyStore(store, { orgId }), [])
    })
  }

  test('a purchase that was used for another user changes nothing, and makes no user', async () => {
    const { store } = get()
    const { orgId } = await makeOrganization(store)
    const purchase = { purchaseId: 'p', cuid: 'first', revenueMicros: 5n, timestamp: TIMESTAMP }
    await store.write('recordPurchases', { orgId, purchases: [purchase] })
    const outcomes = await store.write('recordPurchases', {
      orgId,
      purchases: [{ ...purchase, cuid: 'second' }, purchase],
    })
    assert.deepEqual(outcomes, ['conflict', 'repeated'])
    const users = await store.db.selectFrom('users as u').select('u.cuid').where('u.org_id', '=', orgId).execute()
    assert.deepEqual(
      users.map((user) => user.cuid),
      ['first'],
    )
  })

  test('of a batch in which new purchases stand beside known ones the new ones alone are counted', async () => {
    const { store } = get()
    const { orgId } = await makeOrganization(store)
    const purchase = (purchaseId: string, cuid: string, cents: bigint, timestamp = TIMESTAMP) => {
      return { purchaseId, cuid, revenueMicros: cents * 10_000n, timestamp }
    }
    const known = [purchase('a', 'ann', 100n), purchase('b', 'bob', 200n), purchase('c', 'ann', -50n)]
    await store.write('recordPurchases', { orgId, purchases: known })
    const outcomes = await store.write('recordPurchases', {
      orgId,
      purchases: [
        purchase('c', 'ann', -50n, TIMESTAMP + 9),
        purchase('d', 'ann', 7n, TIMESTAMP + 1),
        purchase('b', 'bob', 200n),
        purchase('a', 'cleo', 100n),
        purchase('e', 'dora', 3n),
        purchase('e', 'dora', 3n),
      ],
    })
    assert.deepEqual(outcomes, ['repeated', 'recorded', 'repeated', 'conflict', 'recorded', 'repeated'])
    const users = await store.db
      .selectFrom('users as u')
      .select(['u.cuid', 'u.purchases_micros', 'u.purchases', 'u.last_purchase_timestamp'])
      .where('u.org_id', '=', orgId)
      .orderBy('u.cuid')
      .execute()
    assert.deepEqual(users.map(Object.values), [
      ['ann', 570_000, 2, TIMESTAMP + 1],
      ['bob', 2_000_000, 1, TIMESTAMP],
      ['dora', 30_000, 1, TIMESTAMP],
    ])
    assert.deepEqual(await verifyStore(store, { orgId }), [])
  })

  test('who has an LTV that was reported leaves the VIPs by a purchase, where the rule asks for few', async () => {
    const { store } = get()
    const { orgId } = await makeOrganization(store, { vipIndicator: 'ltv >= 100 && purchases < 2' })
    const report = { cuid: 'u', properties: [{ key: 'ltv', value: 100 }], lastAppOpenTimestamp: null }
    await store.write('recordUsers', { orgId, users: [{ ...report, eventTimestamp: TIMESTAMP }] })
    const vips: unknown[] = []
    for (const purchaseId of ['first', 'second']) {
      const purchase = { purchaseId, cuid: 'u', revenueMicros: 1_000_000n, timestamp: TIMESTAMP }
      await store.write('recordPurchases', { orgId, purchases: [purchase] })
      const marks = await store.db.selectFrom('vip_marks as m').select('m.vip').where('m.org_id', '=', orgId).execute()
      vips.push(marks.map(({ vip }) => vip))
    }
    assert.deepEqual(vips, [[1], []])
    assert.deepEqual(await verifyStore(store, { orgId }), [])
  })
})
