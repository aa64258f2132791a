import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NOW } from '../../test/app.ts'
import { reporting } from '../../test/reporting.ts'
import { eachStore } from '../../test/stores.ts'

const HOUR_MS = 3_600_000
const named = (count: number, prefix: string) =>
  Array.from({ length: count }, (_, n) => ({ key: `${prefix}${n}`, value: n }))

eachStore((get) => {
  test('a reported property is a text, a number or a boolean, kept as it was sent, and removed without a value', async () => {
    const t = await reporting(get())
    const values = {
      text: 'pro',
      empty: '',
      blank: ' ',
      number: 149.99,
      nothing: 0,
      huge: 1e308,
      yes: true,
      no: false,
      date: '2023-05-12',
      zoned: '2023-05-12T14:30:00+05:30',
      fine: '2023-05-12T14:30:00.123Z',
      fixdate: 'Mon, 14 Feb 2022 20:35:03 GMT',
      digits: '007',
      null: 'null',
      constructor: 'y',
      'a key: with "all" sorts': 'ü💎',
    }
    const sent = new Map<string, unknown>([...Object.entries(values), ['__proto__', 'evil']])
    const kept = async () => new Map(Object.entries(await t.properties('ann')))
    await t.take('properties', { userId: 'ann', properties: [...sent].map(([key, value]) => ({ key, value })) })
    assert.deepEqual(await kept(), sent)

    await t.take('properties', { userId: 'ann', properties: [{ key: 'text' }, { key: 'never there' }] })
    await t.take('properties', { userId: 'ann', properties: [{ key: 'no', value: null }] })
    for (const removed of ['text', 'no']) sent.delete(removed)
    assert.deepEqual(await kept(), sent)
    await t.take('properties', { userId: 'dan', properties: [] })
    assert.deepEqual(await t.users(), ['ann', 'ben', 'cleo', 'dan'])
    assert.deepEqual(await t.verify(), [])
  })

  test('a reported property of another type, without a key or past its bytes is refused by its place', async () => {
    const t = await reporting(get())
    const fault = (property: unknown) =>
      t.faults('properties', { batch: [{ userId: 'ann', properties: [{ key: 'fine', value: 1 }, property] }] })
    const at = (rest: string, type: string) => [`["batch",0,"properties",1${rest}] ${type}`]
    for (const value of [[], {}, ['a'], { a: 1 }]) {
      assert.deepEqual(await fault({ key: 'k', value }), at(',"value"', 'alternatives.types'))
    }
    assert.deepEqual(await fault({ value: 1 }), at(',"key"', 'any.required'))
    assert.deepEqual(await fault({ key: '', value: 1 }), at(',"key"', 'string.empty'))
    assert.deepEqual(await fault({ key: 7, value: 1 }), at(',"key"', 'string.base'))
    assert.deepEqual(await fault({ key: 'k'.repeat(256), value: 1 }), at(',"key"', 'string.max'))
    assert.deepEqual(await fault({ key: 'k', value: 1, ttl: 1 }), at(',"ttl"', 'object.unknown'))
    assert.deepEqual(await fault('k'), at('', 'object.base'))
    assert.deepEqual(await fault(null), at('', 'object.base'))
    for (const [text, type] of [
      ['x'.repeat(4097), 'string.max'],
      ['é'.repeat(2049), 'string.max'],
      ['a\0b', 'string.nul'],
      ['\ud800', 'string.wellFormed'],
    ] as const) {
      assert.deepEqual(await fault({ key: 'k', value: text }), at(',"value"', type))
    }
    const infinite = '{"userId":"ann","properties":[{"key":"k","value":1e400}]}'
    assert.deepEqual(await t.faults('properties', infinite), ['["properties",0,"value"] number.infinity'])
    // as long as a name may be everywhere
    assert.deepEqual(await fault({ key: 'firstName', value: 'é'.repeat(128) }), at(',"value"', 'string.max'))
    assert.deepEqual(await t.faults('properties', { userId: 'ann', properties: {} }), ['["properties"] array.base'])

    const longest = { key: 'é'.repeat(127), value: '€'.repeat(1365) }
    const name = { key: 'last_name', value: 'é'.repeat(127) }
    await t.take('properties', { userId: 'ann', properties: [longest, name] })
    assert.deepEqual(await t.properties('ann'), { [longest.key]: longest.value, [name.key]: name.value })
    assert.deepEqual(await t.verify(), [])
  })

  test('a user has at most 500 properties, and all reports that add more are refused by their places', async () => {
    const t = await reporting(get())
    await t.take('properties', { userId: 'ann', properties: named(500, 'k') })
    const more = { userId: 'ann', properties: [{ key: 'one more', value: 1 }] }
    const ben = { userId: 'ben', properties: [{ key: 'plan', value: 'pro' }] }
    assert.deepEqual(await t.faults('properties', more), ['["properties"] properties.max'])
    assert.deepEqual(await t.faults('properties', { batch: [ben, ben, more] }), [
      '["batch",2,"properties"] properties.max',
    ])
    // who would be full, whose report before sets one too, and whose removal is no fault
    const removal = { userId: 'ann', properties: [{ key: 'nothing' }] }
    const cleo = [named(400, 'a'), named(101, 'b')].map((properties) => ({ userId: 'cleo', properties }))
    assert.deepEqual(await t.faults('properties', { batch: [removal, cleo[0], more, ben, cleo[1]] }), [
      '["batch",1,"properties"] properties.max',
      '["batch",2,"properties"] properties.max',
      '["batch",4,"properties"] properties.max',
    ])
    assert.deepEqual(await t.properties('ben'), {})
    assert.deepEqual(await t.faults('properties', { userId: 'ben', properties: named(501, 'k') }), [
      '["properties"] array.max',
    ])
    // those that are there may be set anew, and one removed makes room
    await t.take('properties', { userId: 'ann', properties: named(500, 'k') })
    await t.take('properties', { batch: [{ userId: 'ann', properties: [{ key: 'k7' }] }, more] })
    assert.equal(Object.keys(await t.properties('ann')).length, 500)
    assert.deepEqual(await t.verify(), [])
  })

  test('of two reported values of a property the later event time wins, of equal times the later arrival', async () => {
    const t = await reporting(get())
    const set = (value: unknown, timestamp?: number) => ({
      userId: 'ann',
      properties: [{ key: 'plan', value }],
      timestamp: timestamp === undefined ? undefined : NOW + timestamp,
    })
    const plan = async () => (await t.properties('ann')).plan
    await t.take('properties', set('pro', -HOUR_MS))
    await t.take('properties', set('old', -2 * HOUR_MS))
    assert.equal(await plan(), 'pro')
    await t.take('properties', { batch: [set('latest', -1), set('later', -2)] })
    assert.equal(await plan(), 'latest')
    // a removal is a value too: what is older does not come back
    await t.take('properties', set(undefined, 0))
    await t.take('properties', set('older', -1))
    assert.equal(await plan(), undefined)
    await t.take('properties', { batch: [set('first'), set('second')] })
    assert.equal(await plan(), 'second')
    await t.take('properties', {
      userId: 'ann',
      properties: [
        { key: 'plan', value: 'a' },
        { key: 'plan', value: 'b' },
      ],
    })
    assert.equal(await plan(), 'b')
    assert.deepEqual(await t.verify(), [])
  })

  test('reported names and birthdays show in the next answer of the list, what is no birthday is counted', async () => {
    const t = await reporting(get())
    await t.take('purchase', { userId: 'ann', revenue: 5 })
    const set = (properties: Record<string, unknown>) =>
      t.take('properties', {
        userId: 'ann',
        properties: Object.entries(properties).map(([key, value]) => ({ key, value })),
      })
    await set({ first_name: 'Ada', lastName: 'Pirie', birthday: '1988-02-29' })
    const row = await t.row('ann')
    assert.deepEqual([row?.firstName, row?.lastName, row?.birthday], ['Ada', 'Pirie', '1988-02-29'])
    // the calendar date that was written, whatever its offset
    for (const [birthday, shown] of [
      ['1990-05-12T23:30:00-08:00', '1990-05-12'],
      ['1990-05-13T00:30:00+05:30', '1990-05-13'],
      ['Mon, 14 Feb 2022 20:35:03 GMT', '2022-02-14'],
      ['--07-14', '--07-14'],
    ] as const) {
      await set({ birthday })
      assert.equal((await t.row('ann'))?.birthday, shown)
    }
    await set({ birthday: '12.05.1990' })
    assert.equal((await t.row('ann'))?.birthday, null)
    assert.equal((await t.properties('ann')).birthday, '12.05.1990')
    const metrics = await t.app.inject({ url: '/metrics', remoteAddress: '127.0.0.1', headers: { host: 'localhost' } })
    assert.match(metrics.body, /^dynamo_rejected_birthdays_total 1$/m)
    assert.deepEqual(await t.verify(), [])
  })
})
