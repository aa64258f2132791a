import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NOW } from './app.ts'
import { reporting } from './reporting.ts'
import { eachStore } from './stores.ts'

/** On each store. */
const REQUESTS = 1_500
const NAMES = ['d10xLinkId', 'userId', 'timestamp', 'revenue', 'purchaseId', 'properties', 'key', 'value', 'batch']

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom(
    '',
    'ann',
    'ben',
    'link-1',
    'order-1',
    '\ud800',
    '\0',
    'x'.repeat(256),
    '__proto__',
    "' or 1=1 --",
    '$1',
  ),
)
const number = fc.oneof(
  fc.double({ noNaN: true }),
  fc.integer(),
  fc.constantFrom(NOW, NOW / 1000, 1e9, 9e12, -1e9, 2 ** 53),
)
const scalar = fc.oneof(text, number, fc.boolean(), fc.constant(null))
const { anything } = fc.letrec<{ anything: unknown }>((tie) => ({
  anything: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.array(tie('anything'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom(...NAMES, 'orgId', 'constructor'), tie('anything'), { maxKeys: 5 }),
  ),
}))
const user = fc.constantFrom('ann', 'ben', 'dan')
const key = fc.oneof({ weight: 5, arbitrary: fc.constantFrom('ltv', 'firstName', 'birthday', '__proto__') }, text)
const value = fc.oneof(fc.constantFrom('Ada', '1988-02-29', ''), scalar)
const revenue = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(5, 0.5, '-5', 1e9, -1e9) }, number)
const optional = {
  timestamp: fc.option(fc.constantFrom(NOW - 1, NOW, `${NOW}`)),
  purchaseId: fc.option(fc.oneof({ weight: 5, arbitrary: fc.constantFrom('order-1', 'order-2', 'order-3') }, text)),
}
const right = {
  identify: fc.record({ d10xLinkId: fc.constantFrom('link-1', 'link-2'), userId: user, timestamp: optional.timestamp }),
  activity: fc.record({ userId: user, timestamp: optional.timestamp }),
  properties: fc.record({
    userId: user,
    properties: fc.array(fc.record({ key, value }), { maxLength: 4 }),
    timestamp: optional.timestamp,
  }),
  purchase: fc.record({ userId: user, revenue, ...optional }),
}
type Operation = keyof typeof right

/** From anything at all to what is right but for one part. */
function bodyOf(operation: Operation): fc.Arbitrary<unknown> {
  const item = right[operation]
  const nearly = fc
    .tuple(item, fc.constantFrom(...NAMES), fc.oneof(scalar, anything))
    .map(([whole, name, part]) => ({ ...whole, [name]: part }))
  const one = fc.oneof({ weight: 8, arbitrary: item }, nearly, anything)
  return fc.oneof(
    one,
    fc.array(one, { minLength: 1, maxLength: 5 }).map((batch) => ({ batch })),
    fc.constant({ batch: [] }),
  )
}

eachStore((get) => {
  test('no report makes a 5xx, leaves the store at odds with its facts or reaches another organization', async () => {
    const t = await reporting(get())
    const victim = await reporting(get())
    await t.link('link-1', 'ann')
    await victim.link('link-2', 'ann')
    await victim.take('purchase', { userId: 'ann', revenue: 5, purchaseId: 'order-1' })
    const before = JSON.stringify(await victim.user('ann'))

    const request = fc
      .constantFrom<Operation>('identify', 'activity', 'properties', 'purchase')
      .chain((operation) => fc.tuple(fc.constant(operation), bodyOf(operation)))
    const statuses = new Map<number, number>()
    await fc.assert(
      fc.asyncProperty(request, async ([operation, body]) => {
        const { status, text: answer } = await t.report(operation, JSON.stringify(body), {
          'content-type': 'application/json',
        })
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
        assert(status < 500, `${status} ${answer}`)
        if (status === 200) assert.equal(answer, '')
        else assert(answer.isWellFormed() && ('message' in JSON.parse(answer) || 'error' in JSON.parse(answer)), answer)
      }),
      { numRuns: REQUESTS },
    )
    for (const status of [200, 404, 409, 422]) {
      assert(statuses.has(status), `no answer was ${status}: ${JSON.stringify([...statuses])}`)
    }
    assert.deepEqual(await t.verify(), [])
    assert.deepEqual(await victim.verify(), [])
    assert.equal(JSON.stringify(await victim.user('ann')), before)
    assert.deepEqual(await victim.listed(), ['ann'])
  })
})
