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
})
