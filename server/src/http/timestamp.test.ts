import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { parseHttpDate, parseTimestamp, type TimestampFault } from './timestamp.ts'

const NOON = Date.UTC(2026, 4, 30, 13)

const TIMESTAMPS: [unknown, number][] = [
  [100_000_000_000, 100_000_000_000],
  [1_780_146_000_000, NOON],
  ['1780146000000', NOON],
  [8.64e15, 8.64e15],
  ['8640000000000000', 8.64e15],
  ['2026-05-30', Date.UTC(2026, 4, 30)],
  ['2024-02-29', Date.UTC(2024, 1, 29)],
  ['1969-12-31T23:59:59.9999Z', -1],
  ['0000-01-01', -62_167_219_200_000],
  ['0099-12-31', -59_011_545_600_000],
  ['9999-12-31T23:59:59.999Z', 253_402_300_799_999],
  ['2026-05-30T13:00:00Z', NOON],
  ['2026-05-30T13:00Z', NOON],
  ['2026-05-30T13:00:00', NOON],
  ['2026-05-30 13:00:00', NOON],
  ['2026-05-30T18:30:00+05:30', NOON],
  ['2026-05-30T18:30:00+0530', NOON],
  ['2026-05-30 05:30:00-07:30', NOON],
  ['2026-05-31T12:59:00+23:59', NOON],
  ['2026-05-30T13:00:00.1Z', NOON + 100],
  ['2026-05-30T13:00:00.120', NOON + 120],
  ['2026-05-30T13:00:00.999999999Z', NOON + 999],
]

for (const [value, timestamp] of TIMESTAMPS) {
  test(`the timestamp ${inspect(value)} is ${timestamp}`, () => {
    assert.deepEqual(parseTimestamp(value), { timestamp })
  })
}

const FAULTS: [unknown, TimestampFault][] = [
  [99_999_999_999, 'seconds'],
  [1_780_146_000, 'seconds'],
  [1_780_146_000.5, 'seconds'],
  [0, 'seconds'],
  [-1, 'seconds'],
  [-Infinity, 'seconds'],
  ['1780146000', 'seconds'],
  ['1780146000.123', 'seconds'],
  ['-1780146000000', 'seconds'],
  ['0', 'seconds'],
  ['2026', 'seconds'],
  ['20260530', 'seconds'],
  [8.64e15 + 1, 'range'],
  [Infinity, 'range'],
  ['8640000000000001', 'range'],
  ['9'.repeat(64), 'range'],
  ['9'.repeat(65), 'format'],
  [1_780_146_000_000.5, 'format'],
  ['1780146000000.5', 'format'],
  [NaN, 'format'],
  ['', 'format'],
  [' 1780146000000', 'format'],
  ['+1780146000000', 'format'],
  ['1.78e12', 'format'],
  ['0x19e78a3d000', 'format'],
  ['2023-02-30', 'format'],
  ['2023-02-29T10:00:00Z', 'format'],
  ['2023-13-01', 'format'],
  ['2026-05-30T24:00:00Z', 'format'],
  ['2026-05-30T13:00:60Z', 'format'],
  ['2026-05-30T13:00:00.1234567890Z', 'format'],
  ['2026-05-30T13:00:00.Z', 'format'],
  ['2026-05-30T13:00:00,5Z', 'format'],
  ['2026-05-30T13:00:00+05', 'format'],
  ['2026-05-30T13:00:00+24:00', 'format'],
  ['2026-05-30T13:00:00 Z', 'format'],
  ['2026-05-30  13:00:00', 'format'],
  ['2026-05-30T', 'format'],
  ['2026-05-30Z', 'format'],
  ['2026-05', 'format'],
  ['+002026-05-30', 'format'],
  ['2026-05-30\n', 'format'],
  ['Sat, 30 May 2026 13:00:00 GMT', 'format'],
  ['now', 'format'],
  [null, 'format'],
  [undefined, 'format'],
  [true, 'format'],
  [new Date(NOON), 'format'],
  [[NOON], 'format'],
  [BigInt(NOON), 'format'],
]

for (const [value, fault] of FAULTS) {
  test(`the timestamp ${inspect(value).slice(0, 80)} is refused: ${fault}`, () => {
    assert.deepEqual(parseTimestamp(value), { fault })
  })
}

const HTTP_DATES: [string, number][] = [
  ['2026-05-30T13:00:00.000Z', NOON],
  ['2026-05-30T13:00:00Z', NOON],
  ['2026-05-30T13:00:00', NOON],
  ['2026-05-30T13:00Z', NOON],
  ['2026-05-30 13:00:00', NOON],
  ['2026-05-30 13:00:00.123456', NOON + 123],
  ['2026-05-30T13:00:00.1239999Z', NOON + 123],
  ['2026-05-30T13:00:00.123456789+00:00', NOON + 123],
  ['2026-05-30T15:00:00+0200', NOON],
  ['Sat, 30 May 2026 13:00:00 GMT', NOON],
  ['Sat, 30 May 2026 13:00:00 +0000', NOON],
  ['Sat, 30 May 2026 08:00:00 -0500', NOON],
  ['Sat, 30 May 2026 08:00:00 EST', NOON],
  ['Sat, 30 May 2026 09:00:00 EDT', NOON],
  ['Sat, 30 May 2026 05:00:00 PST', NOON],
  ['Sat, 30 May 2026 13:00:00 UT', NOON],
  ['Sat, 30 May 2026 13:00:00 UTC', NOON],
  ['30 May 2026 13:00:00 GMT', NOON],
  ['30 May 2026 13:00 +0000', NOON],
  ['4 Jul 2026 00:00:00 +0000', Date.UTC(2026, 6, 4)],
  ['Sat, 04 Jul 2026 00:00:00 +0000', Date.UTC(2026, 6, 4)],
  ['Mon, 14 Feb 2022 20:35:03 GMT', Date.UTC(2022, 1, 14, 20, 35, 3)],
]

for (const [text, timestamp] of HTTP_DATES) {
  test(`the x-date ${text} is ${timestamp}`, () => {
    assert.equal(parseHttpDate(text), timestamp)
  })
}

const NO_HTTP_DATES = [
  '',
  '2026',
  '2026-05-30',
  '20260530T130000Z',
  '1780146000000',
  '1780146000',
  '2026-02-29T13:00:00Z',
  '2026-05-30T24:00:00Z',
  '2026-05-30T13:00:61Z',
  '2026-05-30T13:00:00.1234567890Z',
  '2026-05-30T13:00:00.Z',
  '2026-05-30T13:00:00+2',
  '2026-05-30t13:00:00z',
  ' 2026-05-30T13:00:00Z',
  '2026-05-30T13:00:00Z ',
  '2026-05-30T13:00:00Z\n',
  '2026-05-30T13:00:00Z, 2026-05-30T13:00:00Z',
  'Sun, 30 May 2026 13:00:00 GMT',
  'Sat, 30 May 2026 13:00:00',
  'Sat, 30 May 2026 13:00:00 +00:00',
  'Sat, 30 May 26 13:00:00 GMT',
  'Saturday, 30-May-26 13:00:00 GMT',
  'Sat May 30 13:00:00 2026',
  'Sat May 30 2026 13:00:00 GMT+0000 (Coordinated Universal Time)',
  'Mon, 30 Feb 2026 13:00:00 GMT',
  'Sat, 0 May 2026 13:00:00 GMT',
  'Sat, 30 May 2026 24:00:00 GMT',
  'Sat, 30 May 2026 13:00:00 CET',
  'Sat, 30 Mai 2026 13:00:00 GMT',
  '5/30/2026, 1:00:00 PM',
  'now',
]

for (const text of NO_HTTP_DATES) {
  test(`${JSON.stringify(text)} is no x-date`, () => {
    assert.equal(parseHttpDate(text), null)
  })
}

test('an x-date of up to 64 characters is looked at, a longer one is not', () => {
  assert.equal(parseHttpDate(`2026-05-30T13:00:00Z${' '.repeat(44)}`), null)
  assert.equal(parseHttpDate('9'.repeat(100_000)), null)
})

/** Within the four-digit years. */
const moment = fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 })

test('every moment that JavaScript writes as ISO-8601 is read back, in a header and in a body', () => {
  fc.assert(
    fc.property(moment, (timestamp) => {
      const text = new Date(timestamp).toISOString()
      assert.equal(parseHttpDate(text), timestamp)
      assert.deepEqual(parseTimestamp(text), { timestamp })
    }),
  )
})

test('every second that JavaScript writes as an HTTP date is read back', () => {
  fc.assert(
    fc.property(moment, (timestamp) => {
      const second = Math.floor(timestamp / 1000) * 1000
      assert.equal(parseHttpDate(new Date(second).toUTCString()), second)
    }),
  )
})

test('an offset moves a moment by its hours and minutes', () => {
  fc.assert(
    fc.property(moment, fc.integer({ min: -1439, max: 1439 }), (timestamp, minutes) => {
      const size = Math.abs(minutes)
      const hour = String(Math.floor(size / 60)).padStart(2, '0')
      const minute = String(size % 60).padStart(2, '0')
      const text = new Date(timestamp).toISOString().replace('Z', `${minutes < 0 ? '-' : '+'}${hour}:${minute}`)
      assert.equal(parseHttpDate(text), timestamp - minutes * 60_000)
    }),
  )
})
