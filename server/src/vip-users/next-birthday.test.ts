import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { dayIn, nextBirthday } from './next-birthday.ts'

test('a birthday is next on its day, this year or the next', () => {
  const next = (birthday: string, today: string) => nextBirthday(birthday, today, 'feb28')
  assert.deepEqual(next('1990-05-30', '2026-05-30'), { date: '2026-05-30', days: 0 })
  assert.deepEqual(next('1990-05-29', '2026-05-30'), { date: '2027-05-29', days: 364 })
  assert.deepEqual(next('--12-31', '2026-12-31'), { date: '2026-12-31', days: 0 })
  assert.deepEqual(next('--01-01', '2026-12-31'), { date: '2027-01-01', days: 1 })
})

test('29 February is on its day in leap years, and in others as asked', () => {
  assert.deepEqual(nextBirthday('1988-02-29', '2027-02-01', 'feb28'), { date: '2027-02-28', days: 27 })
  assert.deepEqual(nextBirthday('1988-02-29', '2027-02-01', 'mar01'), { date: '2027-03-01', days: 28 })
  assert.deepEqual(nextBirthday('--02-29', '2027-03-01', 'mar01'), { date: '2027-03-01', days: 0 })
  for (const leapDay of ['feb28', 'mar01'] as const) {
    assert.deepEqual(nextBirthday('--02-29', '2028-02-28', leapDay), { date: '2028-02-29', days: 1 })
    assert.equal(nextBirthday('--02-29', '2096-03-02', leapDay).date.slice(0, 4), '2097')
  }
  // 2100 is no leap year
  assert.equal(nextBirthday('--02-29', '2100-01-01', 'feb28').date, '2100-02-28')
})

test('for any birthday and any day it is the first such day from then on', () => {
  const day = fc.integer({ min: 0, max: 80_000 }).map((days) => Temporal.PlainDate.from('1900-01-01').add({ days }))
  fc.assert(
    fc.property(day, day, fc.constantFrom('feb28' as const, 'mar01' as const), (born, today, leapDay) => {
      const { date, days } = nextBirthday(born.toString(), today.toString(), leapDay)
      const isBirthday = (some: Temporal.PlainDate) =>
        (some.month === born.month && some.day === born.day) ||
        (born.month === 2 &&
          born.day === 29 &&
          !some.inLeapYear &&
          some.toPlainMonthDay().toString() === (leapDay === 'feb28' ? '02-28' : '03-01'))
      let some = today
      while (!isBirthday(some)) some = some.add({ days: 1 })
      assert.deepEqual([date, days], [some.toString(), today.until(some).days])
    }),
    { numRuns: 300 },
  )
})

test('which day it is depends on the time zone, daylight saving included', () => {
  const at = (text: string) => Temporal.Instant.from(text).epochMilliseconds
  assert.equal(dayIn('UTC', at('2026-05-30T23:59:59.999Z')), '2026-05-30')
  assert.equal(dayIn('UTC', at('2026-05-31T00:00:00Z')), '2026-05-31')
  assert.equal(dayIn('Pacific/Kiritimati', at('2026-05-30T10:00:00Z')), '2026-05-31')
  assert.equal(dayIn('Pacific/Kiritimati', at('2026-05-30T09:59:59Z')), '2026-05-30')
  assert.equal(dayIn('America/Los_Angeles', at('2026-03-09T06:59:59Z')), '2026-03-08')
  assert.equal(dayIn('America/Los_Angeles', at('2026-03-09T07:00:00Z')), '2026-03-09')
  const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kathmandu', 'America/Sao_Paulo', 'Australia/Lord_Howe')
  fc.assert(
    fc.property(zone, fc.integer({ min: 0, max: 4e12 }), (timeZone, ms) => {
      const zoned = Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(timeZone)
      assert.equal(dayIn(timeZone, ms), zoned.toPlainDate().toString())
    }),
  )
})
