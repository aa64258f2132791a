import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readDocument, tableRowsOf } from '../../test/documents.ts'
import { type Claim, FIELD_OF_PROPERTY, FIELDS, resolvePersonalInformation, whyNot } from './resolve.ts'

const DAY_MS = 86_400_000

function claim(given: Partial<Claim>): Claim {
  return {
    field: 'firstName',
    source: 'properties',
    value: 'Jo',
    eventTimestamp: DAY_MS,
    arrivedTimestamp: DAY_MS,
    origin: 'firstName',
    author: null,
    ...given,
  }
}

const CASES: [title: string, winner: Partial<Claim>, loser: Partial<Claim>, why: string][] = [
  [
    'an operator comes before properties, however old',
    { source: 'operator', eventTimestamp: 0 },
    {},
    'operator is trusted more',
  ],
  ['properties come before the platform', {}, { source: 'platform' }, 'properties is trusted more'],
  [
    'the platform comes before what was said in chat',
    { source: 'platform' },
    { source: 'chat' },
    'platform is trusted more',
  ],
  ['of one source the later event wins', { eventTimestamp: 2 * DAY_MS }, { arrivedTimestamp: 9 * DAY_MS }, 'is older'],
  [
    'of one time the property that comes first by name wins',
    {},
    { origin: 'first_name' },
    'is as old, and firstName comes first',
  ],
  ['a blank text hides nothing', { source: 'chat' }, { value: ' ', source: 'operator' }, 'is empty'],
  ['a name that is a number hides nothing', { source: 'chat' }, { value: 7 }, 'is no text'],
  ['what was taken back hides nothing', { source: 'chat' }, { source: 'operator', value: null }, 'was taken back'],
  [
    'a birthday that is none hides nothing',
    { field: 'birthday', value: '--05-12', source: 'chat' },
    { field: 'birthday', value: '31.12.1990' },
    'is no birthday',
  ],
  [
    'a birthday after the day on which it was told is none',
    { field: 'birthday', value: '1970-01-02', source: 'chat' },
    { field: 'birthday', value: '1970-01-03' },
    'is no birthday',
  ],
]

for (const [title, winning, losing, why] of CASES) {
  test(`of two sources: ${title}`, () => {
    const winner = claim(winning)
    const loser = claim(losing)
    for (const claims of [
      [winner, loser],
      [loser, winner],
    ]) {
      const information = resolvePersonalInformation(claims)
      assert.deepEqual(information, { [winner.field]: { value: winner.value, claim: winner } })
      assert.equal(whyNot(winner, information), null)
      assert.equal(whyNot(loser, information), why)
    }
  })
}

test('the guide lists the properties that count as personal information', () => {
  const rows = tableRowsOf(readDocument('docs/vip-list.md')).filter(([name = '']) =>
    FIELDS.some((field) => name === `\`${field}\``),
  )
  const written = rows.flatMap(([field = '', keys = '']) =>
    [...keys.matchAll(/`(\w+)`/g)].map(([, key]) => [key, field.replaceAll('`', '')]),
  )
  assert.deepEqual(written, [...FIELD_OF_PROPERTY])
})
