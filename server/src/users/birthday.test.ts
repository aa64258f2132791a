import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { birthdayMonth, parseBirthday } from './birthday.ts'

const TODAY = Temporal.PlainDate.from('2026-05-30')

const READ: [string, string][] = [
  ['1990-05-12', '1990-05-12'],
  ['--05-12', '--05-12'],
  ['--02-29', '--02-29'],
  ['--12-31', '--12-31'],
  ['2024-02-29', '2024-02-29'],
  ['2000-02-29', '2000-02-29'],
  ['1900-01-01', '1900-01-01'],
  ['2026-05-30', '2026-05-30'],
  ['2023-05-12T14:30:00Z', '2023-05-12'],
  ['2023-05-12T14:30:00', '2023-05-12'],
  ['2023-05-12T14:30Z', '2023-05-12'],
  ['2023-05-12T14:30:00.123Z', '2023-05-12'],
  ['2023-05-12T14:30:00.123456789+05:30', '2023-05-12'],
  ['2023-05-12T23:59:59-12:00', '2023-05-12'],
  ['2023-05-12T00:00:00+14:00', '2023-05-12'],
  ['2026-05-30T23:59:59-12:00', '2026-05-30'],
  ['Mon, 14 Feb 2022 20:35:03 GMT', '2022-02-14'],
  ['Thu, 29 Feb 2024 23:59:59 GMT', '2024-02-29'],
]

const REFUSED: unknown[] = [
  '2023-02-30',
  '2023-02-29',
  '1900-02-29',
  '2023-04-31',
  '2023-00-10',
  '2023-13-10',
  '2023-05-00',
  '2023-05-32',
  '--02-30',
  '--04-31',
  '--00-10',
  '--13-01',
  '--05-00',
  '1899-12-31',
  '0000-01-01',
  '2026-05-31',
  '2026-05-31T00:00:00+14:00',
  '2023-02-30T10:00:00Z',
  '2023-05-12T24:00:00Z',
  '2023-05-12T23:60:00Z',
  '2023-05-12T23:59:60Z',
  '2023-05-12T14:30:00+24:00',
  '2023-05-12T14:30:00+05:60',
  '2023-05-12T14:30:00.Z',
  '2023-05-12T14:30:00.1234567890Z',
  '2023-05-12T14:30.5Z',
  '2023-05-12 14:30:00Z',
  '2023-05-12T14:30:00+0530',
  '2023-05-12t14:30:00z',
  '2023-05-12T14Z',
  '2023-05-12T',
  '2023-05-12Z',
  'Tue, 14 Feb 2022 20:35:03 GMT',
  'Mon, 30 Feb 2022 20:35:03 GMT',
  'Mon, 14 Feb 2022 24:00:00 GMT',
  'Mon, 14 Feb 2022 20:35:03 +0000',
  'Mon, 14 Feb 2022 20:35 GMT',
  'Mon, 7 Feb 2022 20:35:03 GMT',
  'mon, 14 feb 2022 20:35:03 gmt',
  '14 Feb 2022 20:35:03 GMT',
  'Monday, 14-Feb-22 20:35:03 GMT',
  '20230512',
  '2023-5-12',
  '23-05-12',
  '+002023-05-12',
  '-002023-05-12',
  '2023-05-12[u-ca=gregory]',
  '2023-05',
  '2023-132',
  '2023-W19-5',
  '05-12',
  '12/05/2023',
  '1683900000000',
  ' 2023-05-12',
  '2023-05-12 ',
  '2023-05-12\n',
  '２０２３-05-12',
  '',
  `2023-05-12${' '.repeat(100_000)}`,
  1683900000000,
  null,
  undefined,
  true,
  new Date(0),
  ['2023-05-12'],
]

for (const [text, birthday] of READ) {
  test(`a birthday written as ${text} is ${birthday}`, () => {
    assert.equal(parseBirthday(text, TODAY), birthday)
  })
}

for (const value of REFUSED) {
  test(`${inspect(value).slice(0, 60)} is no birthday`, () => {
    assert.equal(parseBirthday(value, TODAY), null)
  })
}

test('a birthday is in its month, with a year and without', () => {
  assert.equal(birthdayMonth('1990-05-12'), 5)
  assert.equal(birthdayMonth('--12-31'), 12)
  assert.equal(birthdayMonth('2024-02-29'), 2)
  assert.equal(birthdayMonth('--02-29'), 2)
})

const twoDigits = fc.integer({ min: 0, max: 35 }).map((part) => String(part).padStart(2, '0'))
const birthdayLike = fc
  .tuple(
    fc.oneof(fc.constant('-'), fc.integer({ min: 1890, max: 2030 }).map(String)),
    twoDigits,
    twoDigits,
    fc.constantFrom('', '', 'T23:30:00Z', 'T14:30:00-05:00'),
  )
  .map(([year, month, day, time]) => `${year}-${month}-${day}${time}`)

test('every birthday that is taken has one form, which is taken again', () => {
  fc.assert(
    fc.property(birthdayLike, (text) => {
      const birthday = parseBirthday(text, TODAY)
      if (birthday === null) return
      assert.ok(text.startsWith(birthday))
      assert.equal(parseBirthday(birthday, TODAY), birthday)
      assert.equal(birthdayMonth(birthday), Number(/-(\d\d)-/.exec(birthday)?.[1]))
    }),
    { numRuns: 2000 },
  )
})

test('a day of a month and a year is a birthday exactly where the calendar has it', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1900, max: 2025 }),
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 31 }),
      (year, month, day) => {
        const written = `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`
        const exists = Temporal.PlainDate.from({ year, month, day }).day === day
        assert.equal(parseBirthday(written, TODAY), exists ? written : null)
      },
    ),
  )
})

test('every day from 1900 to today is a birthday, and no day outside', () => {
  const first = Temporal.PlainDate.from('1900-01-01')
  const days = first.until(TODAY).days
  fc.assert(
    fc.property(fc.integer({ min: -1000, max: days + 1000 }), (offset) => {
      const text = first.add({ days: offset }).toString()
      assert.equal(parseBirthday(text, TODAY), offset >= 0 && offset <= days ? text : null)
    }),
  )
})
