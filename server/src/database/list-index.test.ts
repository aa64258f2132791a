import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ListIndex, type RangeRow } from './list-index.ts'

const gate = { workspaceKey: 1, channelKey: 1, generation: 1, version: 1, dueTimestamp: Infinity, isTimeless: true }
/** A range's rows by their birthday months; 0: none is known. */
const monthsOfRows = fc.array(fc.constantFrom(0, 0, 0, 1, 5, 5, 12), { maxLength: 6 })
const filter = fc.constantFrom(null, 'any' as const, 1, 5, 7, 12)
const page = fc.record({ months: filter, offset: fc.nat(20), limit: fc.integer({ min: 1, max: 8 }) })

test('ranks are the places of the matches in the whole list, read a few ranges at a time', () => {
  fc.assert(
    fc.property(fc.array(monthsOfRows, { maxLength: 8 }), fc.array(page), fc.nat(12), (ranges, pages, atMost) => {
      const rows = ranges.flat()
      const index = new ListIndex(gate)
      for (const asked of pages) {
        const { months, offset, limit } = asked
        const isMatch = (month: number) => months === null || month === months || (months === 'any' && month > 0)
        if (!index.knowsRanges(months)) {
          const toRange = (ofRows: number[], number: number): RangeRow => [
            `${number}`,
            `range-${number}`,
            ofRows.length,
            ofRows.filter(isMatch).length,
          ]
          index.rememberRanges(months, ranges.map(toRange))
        }
        while (!index.knowsRanks(asked)) {
          for (const unread of index.unread(asked, atMost)) {
            assert(unread.count <= atMost || unread.ranges.length === 1)
            const begin = ranges.slice(0, Number(unread.firstNegatedLtvMicros)).flat().length
            const read = rows.slice(begin, begin + unread.count)
            index.rememberMonths(unread, read.map((month) => month.toString(13).toUpperCase()).join(''))
          }
        }
        const matches = rows.flatMap((month, row) => (isMatch(month) ? row + 1 : []))
        assert.deepEqual(index.ranks(asked), matches.slice(offset, offset + limit))
      }
    }),
  )
})

test('months of another number of rows than the ranges count are refused', () => {
  const index = new ListIndex(gate)
  index.rememberRanges(1, [['0', 'a', 2, 1]])
  const [unread] = index.unread({ months: 1, offset: 0, limit: 1 }, 10)
  assert(unread)
  for (const months of ['', '1', '100']) assert.throws(() => index.rememberMonths(unread, months), /ranges count 2/)
})
