import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ListIndex } from './list-index.ts'

const gate = { workspaceKey: 1, channelKey: 1, generation: 1, version: 1, dueTimestamp: Infinity, isTimeless: true }
/** A range's rows by their birthday months; 0: none is known. */
const monthsOfRows = fc.array(fc.constantFrom(0, 0, 0, 1, 5, 5, 12), { maxLength: 6 })
const filter = fc.constantFrom(null, 'any' as const, 1, 5, 7, 12)
const page = fc.record({ months: filter, offset: fc.nat(20), limit: fc.integer({ min: 1, max: 8 }) })

test('ranks are the places of the matches in the whole list, read a few ranges at a time', () => {
  fc.assert(
    fc.property(fc.array(monthsOfRows, { maxLength: 8 }), fc.array(page), fc.nat(12), (ranges, pages, atMost) => {
      const rows = ranges.flat()
      const index = new ListIndex(
        gate,
        ranges.map((months, number) => ({
          first_ltv: `${number}`,
          first_id: `range-${number}`,
          row_count: months.length,
          months: Array.from({ length: 12 }, (_, month) => months.filter((one) => one === month + 1).length),
        })),
      )
      for (const asked of pages) {
        while (!index.knowsRanks(asked)) {
          for (const unread of index.unread(asked, atMost)) {
            assert(unread.count <= atMost || unread.ranges.length === 1)
            const begin = ranges.slice(0, Number(unread.firstNegatedLtvMicros)).flat().length
            const months = rows.slice(begin, begin + unread.count)
            index.rememberMonths(unread, months.map((month) => month.toString(13).toUpperCase()).join(''))
          }
        }
        const { months, offset, limit } = asked
        const matches = rows.flatMap((month, row) =>
          months === null || month === months || (months === 'any' && month > 0) ? row + 1 : [],
        )
        assert.deepEqual(index.ranks(asked), matches.slice(offset, offset + limit))
      }
    }),
  )
})

test('months of another number of rows than the ranges count are refused', () => {
  const [first] = [{ first_ltv: '0', first_id: 'a', row_count: 2, months: [1, ...Array(11).fill(0)] }]
  const index = new ListIndex(gate, [first as never])
  const [unread] = index.unread({ months: 1, offset: 0, limit: 1 }, 10)
  assert(unread)
  for (const months of ['', '1', '100']) assert.throws(() => index.rememberMonths(unread, months), /ranges count 2/)
})
