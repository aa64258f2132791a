import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NOW } from '../../test/app.ts'
import { reporting } from '../../test/reporting.ts'
import { eachStore } from '../../test/stores.ts'

const HOUR_MS = 3_600_000

eachStore((get) => {
  test('what is reported before a user is identified shows as soon as their link is', async () => {
    const t = await reporting(get())
    await t.converse('stranger', null)
    await t.link('link-1', 'stranger')
    await t.take('purchase', { userId: 'dan', revenue: 9 })
    await t.take('properties', { userId: 'dan', properties: [{ key: 'firstName', value: 'Dan' }] })
    await t.take('activity', { userId: 'dan' })
    assert.deepEqual(await t.listed(), [])
    await t.take('identify', { d10xLinkId: 'link-1', userId: 'dan' })
    assert.deepEqual(await t.listed(), ['dan'])
    const row = await t.row('dan')
    assert.deepEqual([row?.firstName, row?.lastAppOpenTimestamp], ['Dan', NOW])
    assert.deepEqual(await t.verify(), [])
  })

  test("a link that is unknown or another organization's is 404 with its places, and no other is tied", async () => {
    const t = await reporting(get())
    const other = await reporting(get())
    await t.link('link-1', 'ben')
    await other.link('theirs', 'ann')
    await t.take('purchase', { userId: 'dan', revenue: 9 })
    const ask = async (body: object) => {
      const { status, text } = await t.report('identify', body)
      return [status, JSON.parse(text)]
    }
    const unknown = (...details: object[]) => [404, { message: 'Unknown D10x link id', details }]
    const single = await ask({ d10xLinkId: 'nope', userId: 'dan' })
    assert.deepEqual(single, unknown({ index: 0, d10xLinkId: 'nope' }))
    const batch = ['link-1', 'theirs', 'link-1', 'nope'].map((d10xLinkId) => ({ d10xLinkId, userId: 'dan' }))
    assert.deepEqual(
      await ask({ batch }),
      unknown({ index: 1, d10xLinkId: 'theirs' }, { index: 3, d10xLinkId: 'nope' }),
    )
    assert.deepEqual(
      await ask({ d10xLinkId: 'link-1', userId: 'eve', timestamp: 1e11 - 1 }).then(([code]) => code),
      422,
    )
    assert.deepEqual(await t.listed(), [])
    assert.deepEqual(await t.users(), ['ann', 'ben', 'cleo', 'dan'])
    await t.take('identify', { batch: batch.slice(0, 1) })
    assert.deepEqual(await t.listed(), ['dan'])
    assert.deepEqual(await t.verify(), [])
    assert.deepEqual(await other.verify(), [])
  })

  test("a conversation goes to the user who was identified last, by event time, and leaves the other's lists", async () => {
    const t = await reporting(get())
    await t.link('link-1', 'ann')
    await t.take('purchase', { batch: ['ann', 'dan', 'eve'].map((userId, n) => ({ userId, revenue: 9 - n })) })
    assert.deepEqual(await t.listed(), ['ann'])
    await t.take('identify', { d10xLinkId: 'link-1', userId: 'dan', timestamp: NOW - HOUR_MS })
    assert.deepEqual(await t.listed(), ['dan'])
    await t.take('identify', { d10xLinkId: 'link-1', userId: 'eve', timestamp: NOW - 2 * HOUR_MS })
    assert.deepEqual(await t.listed(), ['dan'])
    // several of one batch: the latest event time, of equal ones the last
    await t.take('identify', {
      batch: [
        { d10xLinkId: 'link-1', userId: 'eve', timestamp: NOW - 2 },
        { d10xLinkId: 'link-1', userId: 'ann', timestamp: NOW - 2 },
        { d10xLinkId: 'link-1', userId: 'dan', timestamp: NOW - 3 },
      ],
    })
    assert.deepEqual(await t.listed(), ['ann'])
    await t.take('identify', { d10xLinkId: 'link-1', userId: 'eve' })
    await t.take('identify', { d10xLinkId: 'link-1', userId: 'eve' })
    assert.deepEqual(await t.listed(), ['eve'])
    assert.deepEqual(await t.verify(), [])
  })

  test('several links of one conversation tie it as one, and one user may have several conversations', async () => {
    const t = await reporting(get())
    await t.link('link-1', 'ann')
    await t.link('link-2', 'ann')
    await t.link('link-3', 'ben')
    await t.take('purchase', { userId: 'dan', revenue: 9 })
    await t.take('identify', {
      batch: [
        { d10xLinkId: 'link-1', userId: 'dan' },
        { d10xLinkId: 'link-2', userId: 'eve' },
      ],
    })
    assert.deepEqual(await t.listed(), [])
    await t.take('identify', {
      batch: [
        { d10xLinkId: 'link-2', userId: 'dan' },
        { d10xLinkId: 'link-3', userId: 'dan' },
      ],
    })
    assert.deepEqual(await t.listed(), ['dan', 'dan'])
    assert.deepEqual(await t.verify(), [])
  })

  test('a link that has no conversation yet is identified all the same', async () => {
    const t = await reporting(get())
    await t.link('link-1', null)
    await t.take('identify', { d10xLinkId: 'link-1', userId: 'dan' })
    assert.deepEqual((await t.user('dan'))?.links.length, 1)
    assert.deepEqual(await t.verify(), [])
  })
})
