import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import type BaseJoi from 'joi'
import { InputError, validateInput } from '../http/input.ts'
import { createPlainReaders, ODD, type PlainReader } from './plain.ts'
import { readItems } from './read-items.ts'
import { createSchemas, type OneOrBatch } from './schemas.ts'

const NOW = Date.UTC(2026, 4, 30, 13)
const DAY_MS = 86_400_000
const OPERATIONS = ['identify', 'activity', 'properties', 'purchase'] as const
const now = () => NOW

const schemas: Record<string, BaseJoi.AnySchema<OneOrBatch<object>>> = createSchemas(now)
const readers: Record<string, PlainReader<object>> = createPlainReaders(now)

const text = fc.oneof(
  { weight: 8, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }) },
  fc.string({ unit: 'binary', maxLength: 90 }),
  fc.constantFrom(
    '',
    '\0',
    '\ud800',
    '\ufffd',
    'é'.repeat(85),
    'x'.repeat(86),
    '€'.repeat(86),
    '__proto__',
    '1',
    'null',
  ),
)
const odd = fc.constantFrom(null, [], {}, ['a'], true, Number.POSITIVE_INFINITY, -0, 7, '')
const timestamp = fc.oneof(
  fc.integer({ min: NOW - DAY_MS, max: NOW + DAY_MS + 2 }),
  fc.constantFrom(
    NOW + DAY_MS,
    NOW + DAY_MS + 1,
    1e10,
    1e11,
    `${NOW}`,
    '2026-05-30T12:55:00Z',
    '2026-05-30',
    '30.5.',
    null,
  ),
)
const revenue = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.float().map(String),
  fc.constantFrom(1e9, 1e9 + 1, '1e3', '-0.5'),
)
const value = fc.oneof(text, fc.double(), fc.integer(), fc.boolean(), fc.constantFrom(null, [], {}))
const key = fc.oneof(text, fc.constantFrom('firstName', 'birthday', 'ltv'))
const property = fc.record({ key, value }, { requiredKeys: ['key'], noNullPrototype: true })
const fields = {
  d10xLinkId: text,
  userId: text,
  timestamp,
  revenue,
  purchaseId: text,
  properties: fc.array(property, { maxLength: 5 }),
}
const NAMES = {
  identify: ['d10xLinkId', 'userId', 'timestamp'],
  activity: ['userId', 'timestamp'],
  properties: ['userId', 'properties', 'timestamp'],
  purchase: ['userId', 'revenue', 'purchaseId', 'timestamp'],
} as const

function itemOf(operation: (typeof OPERATIONS)[number]) {
  const whole = Object.fromEntries(NAMES[operation].map((name) => [name, fields[name]]))
  const right = fc.record(whole, { requiredKeys: [], noNullPrototype: true })
  const name = fc.constantFrom(...NAMES[operation], 'orgId', 'constructor')
  const damaged = fc.tuple(right, name, odd).map(([item, at, wrong]) => ({ ...item, [at]: wrong }))
  return fc.oneof(
    { weight: 6, arbitrary: fc.record(whole, { noNullPrototype: true }) },
    { weight: 3, arbitrary: right },
    damaged,
    odd,
  )
}

/** The value, or the faults. */
async function outcomeOf(read: () => unknown): Promise<unknown> {
  try {
    return await read()
  } catch (error) {
    assert(error instanceof InputError)
    return error.details
  }
}

for (const operation of OPERATIONS) {
  const schema = schemas[operation]
  const readPlain = readers[operation]
  assert(schema && readPlain)

  test(`what ${operation} reads without its schema is what the schema makes of it`, () => {
    const counts = { plain: 0, all: 0 }
    fc.assert(
      fc.property(itemOf(operation), (item) => {
        counts.all += 1
        const plain = readPlain(item)
        if (plain === ODD) return
        counts.plain += 1
        assert.deepEqual(plain, validateInput(schema, item))
      }),
      { numRuns: 3000 },
    )
    assert(counts.plain > counts.all / 10, JSON.stringify(counts))
  })

  test(`a batch of ${operation} is read to what its schema makes of it as a whole, faults and all`, async () => {
    const body = fc.record(
      { batch: fc.array(itemOf(operation), { maxLength: 6 }), userId: text, more: odd },
      { requiredKeys: ['batch'], noNullPrototype: true },
    )
    await fc.assert(
      fc.asyncProperty(fc.oneof({ weight: 3, arbitrary: body }, itemOf(operation)), async (sent) => {
        assert.deepEqual(
          await outcomeOf(async () => {
            const { items, isBatch } = await readItems(schema, readPlain, sent)
            return isBatch ? { batch: items } : items[0]
          }),
          await outcomeOf(() => validateInput(schema, sent)),
        )
      }),
      { numRuns: 1000 },
    )
  })
}

test('of a flood of names in one item, or beside a batch, the first are told as the schema tells them, and sooner', async () => {
  const flood = Object.fromEntries(Array.from({ length: 30_000 }, (_, index) => [`k${index}`, 1]))
  const schema = schemas.activity
  const readPlain = readers.activity
  assert(schema && readPlain)
  for (const sent of [
    { ...flood, userId: 'a' },
    { ...flood, batch: [{ userId: 'a' }] },
  ]) {
    const [wanted, schemaMicros] = await timed(() => validateInput(schema, sent))
    const [faults, micros] = await timed(() => readItems(schema, readPlain, sent))
    assert.deepEqual(faults, wanted)
    assert.equal((faults as unknown[]).length, 50)
    assert(micros < schemaMicros / 2, `${micros} µs, the schema ${schemaMicros} µs`)
  }
})

async function timed(read: () => unknown): Promise<[outcome: unknown, micros: number]> {
  const begun = process.cpuUsage()
  const outcome = await outcomeOf(read)
  return [outcome, process.cpuUsage(begun).user]
}

test('while many odd items are read others get their turn', async () => {
  const properties = Array.from({ length: 200 }, (_, index) => ({ key: `k${index}`, value: '\ufffd' }))
  const batch = Array.from({ length: 250 }, (_, index) => ({ userId: `u${index}`, properties }))
  const schema = schemas.properties
  const readPlain = readers.properties
  assert(schema && readPlain)
  let isRead = false
  const reading = readItems(schema, readPlain, { batch }).finally(() => {
    isRead = true
  })
  let turns = 0
  while (!isRead) {
    await nextTurn()
    turns += 1
  }
  assert.equal((await reading).items.length, 250)
  assert(turns > 5, `${turns} turns`)
})

test("a fault of a whole body is told as the body's, and that of an item as the item's", async () => {
  const schema = schemas.purchase as BaseJoi.AnySchema<OneOrBatch<object>>
  for (const [body, message] of [
    [undefined, '"body" is required'],
    [null, '"body" must be of type object'],
    [5, '"body" must be of type object'],
    [{ batch: [{ userId: 'a', revenue: 1 }, 5] }, '"batch[1]" must be of type object'],
  ] as const) {
    await assert.rejects(
      readItems(schema, () => ODD, body),
      { name: 'InputError', message },
    )
  }
})
