import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import type BaseJoi from 'joi'
import { InputError, type InputFault, Joi, MALFORMED, MALFORMED_KEY, validateInput } from './input.ts'

const NOW = Date.UTC(2026, 4, 30)
const DAY_MS = 86_400_000

function faultsOf<T>(schema: BaseJoi.AnySchema<T>, value: unknown): InputFault[] {
  try {
    validateInput(schema, value)
  } catch (error) {
    assert.ok(error instanceof InputError)
    return error.details
  }
  return []
}

/** The value of a field, or the types of its faults. */
function outcome<T>(schema: BaseJoi.AnySchema<T>, value: unknown): unknown {
  const field = Joi.object({ x: schema })
  const types = faultsOf(field, { x: value }).map((fault) => fault.type)
  return types.length > 0 ? types : validateInput(field, { x: value }).x
}

const CASES: [string, BaseJoi.AnySchema<unknown>, unknown, unknown][] = [
  ['integer', Joi.integer(), '5', 5],
  ['integer', Joi.integer(), 5, 5],
  ['integer', Joi.integer(), '-5', -5],
  ['integer', Joi.integer(), '5.0', 5],
  ['integer', Joi.integer(), '007', 7],
  ['integer', Joi.integer(), '-0', 0],
  ['integer', Joi.integer(), '9007199254740991', 9007199254740991],
  ['integer', Joi.integer(), '9007199254740992', ['number.unsafe']],
  ['integer', Joi.integer(), '9'.repeat(400), ['number.unsafe']],
  ['integer', Joi.integer(), '5.5', ['number.integer']],
  ['integer', Joi.integer(), 5.5, ['number.integer']],
  ['integer', Joi.integer(), '1e1', ['number.base']],
  ['integer', Joi.integer(), '0x10', ['number.base']],
  ['integer', Joi.integer(), '+5', ['number.base']],
  ['integer', Joi.integer(), ' 5 ', ['number.base']],
  ['integer', Joi.integer(), '5\n', ['number.base']],
  ['integer', Joi.integer(), '', ['number.base']],
  ['integer', Joi.integer(), '.5', ['number.base']],
  ['integer', Joi.integer(), '5.', ['number.base']],
  ['integer', Joi.integer(), 'Infinity', ['number.base']],
  ['integer', Joi.integer(), '٣', ['number.base']],
  ['integer', Joi.integer(), ['1', '2'], ['number.base']],
  ['integer', Joi.integer(), true, ['number.base']],
  ['integer', Joi.integer(), { a: 1 }, ['number.base']],
  ['integer from 1 to 12', Joi.integer().min(1).max(12), '1', 1],
  ['integer from 1 to 12', Joi.integer().min(1).max(12), '12', 12],
  ['integer from 1 to 12', Joi.integer().min(1).max(12), '0', ['number.min']],
  ['integer from 1 to 12', Joi.integer().min(1).max(12), '13', ['number.max']],
  ['integer from 1 to 12', Joi.integer().min(1).max(12), '0.5', ['number.integer', 'number.min']],
  ['number', Joi.number(), '1.25', 1.25],
  ['number', Joi.number(), '1e3', ['number.base']],
  ['text', Joi.text(), 'x', 'x'],
  ['text', Joi.text(), ' 0 ', ' 0 '],
  ['text', Joi.text(), 'é'.repeat(127), 'é'.repeat(127)],
  ['text', Joi.text(), 'é'.repeat(128), ['string.max']],
  ['text', Joi.text(), 'x'.repeat(255), 'x'.repeat(255)],
  ['text', Joi.text(), 'x'.repeat(256), ['string.max']],
  ['text of 4 bytes', Joi.text(4), '🎂', '🎂'],
  ['text of 3 bytes', Joi.text(3), '🎂', ['string.max']],
  ['text', Joi.text(), '', ['string.empty']],
  ['text', Joi.text(), 'a\0b', ['string.nul']],
  ['text', Joi.text(), 'a\ud83cb', ['string.wellFormed']],
  ['text', Joi.text(), `\0\udf82${'x'.repeat(255)}`, ['string.max', 'string.wellFormed', 'string.nul']],
  ['text', Joi.text(), 5, ['string.base']],
  ['text', Joi.text(), ['a', 'b'], ['string.base']],
  ['timestamp', Joi.timestamp(), NOW, NOW],
  ['timestamp', Joi.timestamp(), String(NOW), NOW],
  ['timestamp', Joi.timestamp(), '2026-05-30', NOW],
  ['timestamp', Joi.timestamp(), '2026-05-30T02:00:00+02:00', NOW],
  ['timestamp', Joi.timestamp(), 99_999_999_999, ['timestamp.seconds']],
  ['timestamp', Joi.timestamp(), '1780146000', ['timestamp.seconds']],
  ['timestamp', Joi.timestamp(), 8.64e15 + 1, ['timestamp.range']],
  ['timestamp', Joi.timestamp(), '2023-02-30', ['timestamp.base']],
  ['timestamp', Joi.timestamp(), '', ['timestamp.base']],
  ['timestamp', Joi.timestamp(), ['2026-05-30', '2026-05-31'], ['timestamp.base']],
  ['timestamp until a day ahead', Joi.timestamp().notAfter(NOW + DAY_MS), NOW + DAY_MS, NOW + DAY_MS],
  ['timestamp until a day ahead', Joi.timestamp().notAfter(NOW + DAY_MS), NOW + DAY_MS + 1, ['timestamp.max']],
  ['timestamp until a clock', Joi.timestamp().notAfter(() => NOW), '2026-05-30', NOW],
  ['timestamp until a clock', Joi.timestamp().notAfter(() => NOW), '2026-05-30T00:00:00.001Z', ['timestamp.max']],
  ['revenue', Joi.revenue(), 49.99, 49_990_000n],
  ['revenue', Joi.revenue(), '-49.99', -49_990_000n],
  ['revenue', Joi.revenue(), 0.1 + 0.2, 300_000n],
  ['revenue', Joi.revenue(), 1e9, 10n ** 15n],
  ['revenue', Joi.revenue(), '-1000000000', -(10n ** 15n)],
  ['revenue', Joi.revenue(), '1000000000.000001', ['revenue.max']],
  ['revenue', Joi.revenue(), -1e300, ['revenue.max']],
  ['revenue', Joi.revenue(), '1e3', ['revenue.base']],
  ['revenue', Joi.revenue(), '', ['revenue.base']],
  ['revenue', Joi.revenue(), NaN, ['revenue.base']],
  ['revenue', Joi.revenue(), Infinity, ['revenue.base']],
  ['revenue', Joi.revenue(), true, ['revenue.base']],
  ['revenue', Joi.revenue(), [1], ['revenue.base']],
  ['flag', Joi.flag(), 'true', true],
  ['flag', Joi.flag(), 'FALSE', false],
  ['flag', Joi.flag(), 'True', true],
  ['flag', Joi.flag(), true, true],
  ['flag', Joi.flag(), 'yes', ['any.only']],
  ['flag', Joi.flag(), '1', ['any.only']],
  ['flag', Joi.flag(), '', ['any.only']],
  ['flag', Joi.flag(), ' true', ['any.only']],
  ['flag', Joi.flag(), 1, ['any.only']],
  ['flag', Joi.flag(), ['true', 'true'], ['any.only']],
]

for (const [name, schema, value, expected] of CASES) {
  const refused = Array.isArray(expected)
  const what = refused ? `refused with ${expected.join(', ')}` : `taken as ${inspect(expected).slice(0, 40)}`
  test(`a parameter of type ${name}, given ${inspect(value).slice(0, 40)}, is ${what}`, () => {
    assert.deepEqual(outcome(schema, value), expected)
  })
}

const TYPES: [string, BaseJoi.AnySchema<unknown>][] = [
  ['integer', Joi.integer()],
  ['number', Joi.number()],
  ['text', Joi.text()],
  ['timestamp', Joi.timestamp()],
  ['revenue', Joi.revenue()],
  ['flag', Joi.flag()],
  ['any', Joi.any()],
  ['array', Joi.array()],
]

for (const [name, schema] of TYPES) {
  test(`a parameter of type ${name} that cannot be decoded says so`, () => {
    const [fault, ...others] = faultsOf(Joi.object({ name: schema.required() }), { name: MALFORMED })
    assert.equal(fault?.message, '"name" is not valid percent-encoded UTF-8')
    assert.equal(fault?.type, 'string.encoding')
    assert.deepEqual(fault?.path, ['name'])
    assert.deepEqual(fault?.context, { label: 'name', key: 'name' })
    assert.deepEqual(others, [])
  })

  test(`null in an optional field of type ${name} counts as left out, in a required one it does not`, () => {
    assert.deepEqual(validateInput(Joi.object({ name: schema }), { name: null }), {})
    if (name === 'any') return // which takes anything
    assert.equal(faultsOf(Joi.object({ name: schema.required() }), { name: null }).length, 1)
    assert.deepEqual(validateInput(Joi.object({ name: schema.allow(null) }), { name: null }), { name: null })
  })
}

test('a required field with alternatives does not take null', () => {
  const schema = Joi.object({ name: Joi.alternatives(Joi.text(), Joi.number()).required() })
  assert.equal(faultsOf(schema, { name: null }).length, 1)
})

test('null as an item of a list is no item', () => {
  assert.deepEqual(faultsOf(Joi.array().items(Joi.text()), ['a', null])[0]?.path, [1])
})

test('an unknown name and one that cannot be decoded are refused as unknown', () => {
  const faults = faultsOf(Joi.object({ limit: Joi.integer() }), { limt: '5', [MALFORMED_KEY]: 'x' })
  assert.deepEqual(
    faults.map(({ type, path, message }) => ({ type, path, message })),
    [
      { type: 'object.unknown', path: ['limt'], message: '"limt" is not allowed' },
      { type: 'object.unknown', path: ['%'], message: '"%" is not allowed' },
    ],
  )
})

test('all faults of a batch are told at once, each with its place', () => {
  const item = Joi.object({ userId: Joi.text().required(), revenue: Joi.revenue().required() })
  const schema = Joi.object({ batch: Joi.array().items(item).max(3).required() })
  const batch = [{ userId: 'a' }, { userId: '', revenue: 'x' }, { userId: 'b', revenue: 2e9 }]
  assert.deepEqual(
    faultsOf(schema, { batch }).map(({ type, path }) => [type, path]),
    [
      ['any.required', ['batch', 0, 'revenue']],
      ['string.empty', ['batch', 1, 'userId']],
      ['revenue.base', ['batch', 1, 'revenue']],
      ['revenue.max', ['batch', 2, 'revenue']],
    ],
  )
})

test('a timestamp in seconds is answered with what to send instead', () => {
  const [fault] = faultsOf(Joi.object({ timestamp: Joi.timestamp() }), { timestamp: 1_780_146_000 })
  assert.equal(fault?.message, '"timestamp" looks like seconds; use epoch milliseconds or ISO-8601')
  assert.equal(fault?.context.value, 1_780_146_000)
})

test('a text that is too long is told its limit in bytes', () => {
  const [fault] = faultsOf(Joi.object({ userId: Joi.text() }), { userId: 'x'.repeat(256) })
  assert.equal(fault?.message, '"userId" length must be less than or equal to 255 bytes of UTF-8')
})

test('a value is sent back up to 256 characters', () => {
  const value = (length: number) =>
    faultsOf(Joi.object({ x: Joi.text(1) }), { x: 'y'.repeat(length) })[0]?.context.value
  assert.equal(value(256), 'y'.repeat(256))
  assert.equal(value(257), 'y'.repeat(256))
})

test('a value that is cut inside a character stays well formed', () => {
  const [fault] = faultsOf(Joi.object({ x: Joi.text(1) }), { x: `${'y'.repeat(255)}🎂` })
  assert.equal(fault?.context.value, `${'y'.repeat(255)}\ufffd`)
})

test('an unknown name of a megabyte is not sent back whole', () => {
  const faults = faultsOf(Joi.object({ x: Joi.text() }), { ['n'.repeat(1 << 20)]: 1 })
  assert.ok(JSON.stringify(faults).length < 4096)
})

test('of a hundred thousand unknown names fifty are told, and the known fields are still looked at', () => {
  const value = Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`n${index}`, 1]))
  const faults = faultsOf(Joi.object({ x: Joi.text() }), { ...value, x: '' })
  assert.equal(faults.filter((fault) => fault.type === 'object.unknown').length, 50)
  assert.ok(faults.some((fault) => fault.type === 'string.empty'))
})

test('unknown names are kept where an object allows them', () => {
  const value = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`n${index}`, 1]))
  assert.deepEqual(validateInput(Joi.object({ x: Joi.text() }).unknown(), { ...value, x: null }), value)
})

test('a list that is too long is refused as such, without a fault for each item', () => {
  const schema = Joi.object({ batch: Joi.array().items(Joi.text()).max(250) })
  assert.deepEqual(validateInput(schema, { batch: Array(250).fill('a') }), { batch: Array(250).fill('a') })
  const [fault, ...others] = faultsOf(schema, { batch: Array(1_000_000).fill(0) })
  assert.equal(fault?.type, 'array.max')
  assert.deepEqual(fault?.path, ['batch'])
  assert.equal(fault?.context.limit, 250)
  assert.deepEqual(others, [])
})

test('of two thousand faults a thousand are told', () => {
  assert.equal(faultsOf(Joi.array().items(Joi.text()), Array(2000).fill(0)).length, 1000)
})

test('a value that is no JSON, or a whole object, is left out of what is sent back', () => {
  const values: [unknown, unknown][] = [
    [
      ['1', '2'],
      ['1', '2'],
    ],
    [Array(65).fill('1'), undefined],
    [[{}], undefined],
    [{ a: 1 }, undefined],
    [10n ** 30n, '1000000000000000000000000000000'],
    [Symbol('x'), undefined],
  ]
  for (const [value, echoed] of values) {
    const faults = faultsOf(Joi.object({ x: Joi.integer() }), { x: value })
    assert.equal(faults[0]?.type, 'number.base')
    assert.deepEqual(faults[0]?.context.value, echoed)
    assert.doesNotThrow(() => JSON.stringify(faults))
  }
})

test('a schema and its type are held together by the compiler', () => {
  interface Purchase {
    userId: string
    revenue: bigint
    timestamp?: number
    limit?: number
    isTest?: boolean
    format?: 'csv' | 'excel'
    tags?: string[]
    owner?: { name: string }
  }
  const schema = Joi.object<Purchase, true>({
    userId: Joi.text().required(),
    revenue: Joi.revenue().required(),
    timestamp: Joi.timestamp().notAfter(NOW),
    limit: Joi.integer().min(1),
    isTest: Joi.flag(),
    format: Joi.string().valid('csv', 'excel'),
    tags: Joi.array().items(Joi.text()),
    owner: Joi.object<{ name: string }, true>({ name: Joi.text().required() }),
  })
  const purchase: Purchase = validateInput(schema, {
    userId: 'u',
    revenue: '1.50',
    timestamp: '2026-05-30',
    limit: '3',
  })
  assert.deepEqual(purchase, { userId: 'u', revenue: 1_500_000n, timestamp: NOW, limit: 3 })
  // @ts-expect-error a field without a schema
  Joi.object<{ a: string; b: string }, true>({ a: Joi.text() })
  // @ts-expect-error money is a bigint
  Joi.object<{ revenue: number }, true>({ revenue: Joi.revenue() })
  // @ts-expect-error a number is no text
  Joi.object<{ limit: string }, true>({ limit: Joi.integer() })
})
