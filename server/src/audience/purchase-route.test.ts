import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NOW } from '../../test/app.ts'
import { reporting } from '../../test/reporting.ts'
import { eachStore } from '../../test/stores.ts'

const HOUR_MS = 3_600_000
const MAX_LTV = 9e12

eachStore((get) => {
  test('a purchase makes a VIP and a refund takes the mark again, each in the next answer of the list', async () => {
    const t = await reporting(get())
    assert.deepEqual(await t.listed(), [])
    await t.take('purchase', { userId: 'ann', revenue: 5, purchaseId: 'order-1', timestamp: NOW - HOUR_MS })
    assert.deepEqual(await t.listed(), ['ann'])
    await t.take('purchase', { batch: [{ userId: 'ben', revenue: 7 }] })
    assert.deepEqual(await t.listed(), ['ben', 'ann'])
    assert.equal((await t.row('ben'))?.lastPurchaseTimestamp, NOW)

    await t.take('purchase', { userId: 'ann', revenue: -4.5, purchaseId: 'refund-1' })
    assert.deepEqual(await t.listed(), ['ben'])
    await t.take('purchase', { userId: 'ann', revenue: 10, purchaseId: 'order-2', timestamp: NOW - 2 * HOUR_MS })
    assert.deepEqual(await t.listed(), ['ann', 'ben'])
    // neither the refund nor the older purchase is the last one
    assert.equal((await t.row('ann'))?.lastPurchaseTimestamp, NOW - HOUR_MS)
    assert.equal((await t.user('ann'))?.ltv, 10.5)
    assert.deepEqual(await t.verify(), [])
  })

  test('of a refund alone there is an LTV below 0 and no purchase, of one over 0.00 there is a purchase', async () => {
    const t = await reporting(get())
    await t.take('purchase', { batch: [{ userId: 'ann', revenue: -3 }] })
    const refunded = await t.user('ann')
    assert.deepEqual([refunded?.ltv, refunded?.lastPurchaseTimestamp], [-3, null])
    await t.take('purchase', { userId: 'ben', revenue: 0 })
    const given = await t.user('ben')
    assert.deepEqual([given?.ltv, given?.lastPurchaseTimestamp], [0, NOW])
    assert.deepEqual(await t.verify(), [])
  })

  test('a purchase that is reported again, alone, in a batch or twice in one, counts once', async () => {
    const t = await reporting(get())
    const order = { userId: 'ann', revenue: 5, purchaseId: 'order-1' }
    await t.take('purchase', order)
    await t.take('purchase', order)
    // whatever its time and however its revenue is written
    await t.take('purchase', { ...order, revenue: '5.0000001', timestamp: NOW - HOUR_MS })
    const other = { userId: 'ben', revenue: 2, purchaseId: 'order-2' }
    await t.take('purchase', { batch: [other, order, other, { ...order, purchaseId: 'order-3' }] })
    assert.equal((await t.user('ann'))?.ltv, 10)
    assert.equal((await t.user('ben'))?.ltv, 2)
    await Promise.all(
      Array.from({ length: 8 }, () => t.take('purchase', { batch: [other, { ...other, purchaseId: 'x' }] })),
    )
    assert.equal((await t.user('ben'))?.ltv, 4)
    assert.deepEqual(await t.verify(), [])
  })

  test('a purchase id that was used for another user or revenue is 409 with the places, and nothing is applied', async () => {
    const t = await reporting(get())
    await t.take('purchase', { userId: 'ann', revenue: 5, purchaseId: 'order-1' })
    const conflict = async (body: object) => {
      const { status, text } = await t.report('purchase', body)
      const { message, details } = JSON.parse(text)
      assert.deepEqual([status, message], [409, 'A purchase id was used before with another user or revenue'])
      return details
    }
    const fresh = { userId: 'dan', revenue: 50, purchaseId: 'order-2' }
    assert.deepEqual(await conflict({ userId: 'ann', revenue: 5.000001, purchaseId: 'order-1' }), [
      { index: 0, purchaseId: 'order-1' },
    ])
    assert.deepEqual(
      await conflict({
        batch: [
          fresh,
          { userId: 'ben', revenue: 5, purchaseId: 'order-1' },
          { ...fresh, userId: 'ann' },
          { userId: 'ann', revenue: -5, purchaseId: 'order-1' },
        ],
      }),
      [
        { index: 1, purchaseId: 'order-1' },
        { index: 2, purchaseId: 'order-2' },
        { index: 3, purchaseId: 'order-1' },
      ],
    )
    assert.deepEqual(await t.users(), ['ann', 'ben', 'cleo'])
    assert.deepEqual(await t.listed(), ['ann'])
    await t.take('purchase', fresh)
    assert.deepEqual(await t.verify(), [])
  })

  test('a purchase id of another organization is free', async () => {
    const t = await reporting(get())
    const other = await reporting(get())
    await t.take('purchase', { userId: 'ann', revenue: 5, purchaseId: 'order-1' })
    await other.take('purchase', { userId: 'ben', revenue: 7, purchaseId: 'order-1' })
    assert.deepEqual(await other.listed(), ['ben'])
    assert.deepEqual(await t.listed(), ['ann'])
  })

  test('a revenue is a number or a decimal in a string, of at most 1e9, rounded half to even at six decimals', async () => {
    const t = await reporting(get())
    for (const [revenue, ltv] of [
      [0.1 + 0.2, 0.3],
      ['49.99', 49.99],
      ['-12', -12],
      ['007.50', 7.5],
      [0.0000005, 0],
      [0.0000015, 0.000002],
      ['0.0000025', 0.000002],
      [5e-324, 0],
      [-0, 0],
      [1e9, 1e9],
      ['1000000000.0000005', 1e9],
      [-1e9, -1e9],
    ] as const) {
      const userId = `u${revenue}`
      await t.take('purchase', { userId, revenue })
      assert.equal((await t.user(userId))?.ltv, ltv, userId)
    }
    for (const [revenue, type] of [
      [1_000_000_000.000001, 'revenue.max'],
      ['-1000000000.000001', 'revenue.max'],
      [Number.MAX_VALUE, 'revenue.max'],
      ['1e3', 'revenue.base'],
      ['+5', 'revenue.base'],
      [' 5', 'revenue.base'],
      ['5,00', 'revenue.base'],
      ['', 'revenue.base'],
      ['0x10', 'revenue.base'],
      [`0.${'0'.repeat(39)}`, 'revenue.base'],
      [true, 'revenue.base'],
      [[5], 'revenue.base'],
      [{}, 'revenue.base'],
    ] as const) {
      const faults = await t.faults('purchase', { batch: [{ userId: 'ann', revenue }] })
      assert.deepEqual(faults, [`["batch",0,"revenue"] ${type}`], String(revenue))
    }
    assert.deepEqual(await t.verify(), [])
  })

  test('a report that would carry an LTV past the greatest is 422 at each purchase that carries one there', async () => {
    const t = await reporting(get())
    await get().store.write('recordPurchases', {
      orgId: t.orgId,
      purchases: [{ cuid: 'ann', purchaseId: 'all', revenueMicros: BigInt(MAX_LTV) * 1_000_000n, timestamp: NOW }],
    })
    const small = { userId: 'ann', revenue: 0.000001 }
    assert.deepEqual(await t.faults('purchase', small), ['["revenue"] revenue.ltv'])
    const ben = { userId: 'ben', revenue: 1 }
    // not in the order of the items
    const purchaseIds = ['e', 'd', 'c', 'b', 'a']
    const refund = { userId: 'ann', revenue: -0.000001 }
    const batch = [ben, small, refund, small, ben].map((item, n) => ({ ...item, purchaseId: purchaseIds[n] }))
    assert.deepEqual(await t.faults('purchase', { batch }), [
      '["batch",1,"revenue"] revenue.ltv',
      '["batch",3,"revenue"] revenue.ltv',
    ])
    const large = { userId: 'cleo', revenue: -1e9 }
    await get().store.write('recordPurchases', {
      orgId: t.orgId,
      purchases: [{ cuid: 'cleo', purchaseId: 'none', revenueMicros: BigInt(-MAX_LTV) * 1_000_000n, timestamp: NOW }],
    })
    assert.deepEqual(await t.faults('purchase', { batch: [large, ben, small] }), [
      '["batch",0,"revenue"] revenue.ltv',
      '["batch",2,"revenue"] revenue.ltv',
    ])
    assert.equal((await t.user('ben'))?.ltv, 0)
    await t.take('purchase', {
      batch: [
        { ...small, revenue: -1 },
        { ...small, revenue: 1 },
      ],
    })
    assert.equal((await t.user('ann'))?.ltv, MAX_LTV)
    assert.deepEqual(await t.verify(), [])
  })

  test('a number as ltv property takes the place of the purchases, anything else leaves them', async () => {
    const t = await reporting(get())
    await t.take('purchase', {
      batch: [
        { userId: 'ann', revenue: 5 },
        { userId: 'ben', revenue: 6 },
      ],
    })
    const setLtv = (value?: unknown) => t.take('properties', { userId: 'ann', properties: [{ key: 'ltv', value }] })
    await setLtv(149.99)
    assert.deepEqual(await t.listed(), ['ann', 'ben'])
    assert.equal((await t.user('ann'))?.ltv, 149.99)
    for (const value of ['149.99', true, 9.1e12, 1e300, -1e13, '']) {
      await setLtv(value)
      assert.equal((await t.user('ann'))?.ltv, 5, String(value))
    }
    await setLtv(MAX_LTV)
    assert.equal((await t.user('ann'))?.ltv, MAX_LTV)
    await setLtv()
    assert.deepEqual(await t.listed(), ['ben', 'ann'])
    assert.deepEqual(await t.verify(), [])
  })
})
