import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { validateInput } from '../http/input.ts'
import { parseQuery } from '../http/query.ts'
import { filterSchema, toFilter } from './filter.ts'

const values = fc.oneof(
  fc.constantFrom(
    'w1',
    'FB_PAGE_1',
    '1',
    '0',
    '12',
    '13',
    '007',
    '50',
    '1000',
    '1e3',
    '+5',
    ' 5',
    '5 ',
    '-1',
    '1.5',
    '',
  ),
  fc.constantFrom(
    'true',
    'TRUE',
    'false',
    'UTC',
    'ltv',
    'rank,ltv',
    'ltv,x',
    'Europe/Berlin',
    'mar01',
    'feb28',
    'a%20b',
    '%00',
    '%ff',
    '9007199254740993',
    '999999999',
  ),
  fc.string({ maxLength: 100 }).map(encodeURIComponent),
)
const names = fc.constantFrom(
  ...['workspaceId', 'mediumId', 'limit', 'offset', 'birthdayMonth', 'hasBirthday', 'include', 'tz', 'feb29', 'other'],
)
const likely = fc.oneof(
  fc.tuple(fc.constant('limit'), fc.integer({ min: 1, max: 2_000 }).map(String)),
  fc.tuple(fc.constant('offset'), fc.nat().map(String)),
  fc.tuple(fc.constant('birthdayMonth'), fc.integer({ min: 1, max: 12 }).map(String)),
  fc.tuple(fc.constant('hasBirthday'), fc.constantFrom('true', 'false')),
  fc.tuple(fc.constant('include'), fc.constantFrom('ltv', 'nextBirthday,rank', 'rank,rank', 'ltv,')),
)
const mostlyWhole = fc.tuple(
  fc.constantFrom('workspaceId=w&mediumId=m&', 'workspaceId=a%20b&mediumId=FB_PAGE_1&', ''),
  fc.array(fc.oneof({ weight: 3, arbitrary: likely }, fc.tuple(names, values)), { maxLength: 4 }),
)

test('a query is read to what the schema makes of it, whether it is plain or odd', () => {
  const seen = { taken: 0, refused: 0 }
  fc.assert(
    fc.property(mostlyWhole, ([start, pairs]) => {
      const query = parseQuery(start + pairs.map((pair) => pair.join('=')).join('&'))
      const [wanted, read] = [validateInput, (_schema: unknown, given: unknown) => toFilter(given)].map((how) => {
        try {
          return { filter: { ...how(filterSchema, query) } }
        } catch (error) {
          return { faults: (error as { details?: unknown }).details }
        }
      })
      assert.deepEqual(read, wanted)
      if (wanted && 'filter' in wanted) seen.taken += 1
      else seen.refused += 1
    }),
    { numRuns: 5_000 },
  )
  assert.ok(seen.taken > 500 && seen.refused > 500, JSON.stringify(seen))
})
