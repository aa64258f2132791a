import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeBirthday } from './birthdays.ts'
import { createRandom } from './random.ts'

for (const day of ['2026-01-01', '2026-12-31', '2028-02-29', '1990-06-15']) {
  test(`sample birthdays seen on ${day} are dates, of people from 21 to 85`, () => {
    const asOf = Temporal.PlainDate.from(day)
    const random = createRandom(3)
    const birthdays = Array.from({ length: 20_000 }, () => makeBirthday(random, asOf))
    const ages = new Set<number>()
    for (const birthday of birthdays) {
      if (birthday.startsWith('--')) {
        Temporal.PlainMonthDay.from(birthday, { overflow: 'reject' })
        assert.match(birthday, /^--\d\d-\d\d$/)
      } else {
        const born = Temporal.PlainDate.from(birthday, { overflow: 'reject' })
        assert.equal(born.toString(), birthday)
        ages.add(born.until(asOf, { largestUnit: 'years' }).years)
      }
    }
    // On the last day of a year everybody has had their birthday, on the first almost nobody.
    assert.ok([21, 22].includes(Math.min(...ages)), `youngest ${Math.min(...ages)}`)
    assert.ok([84, 85].includes(Math.max(...ages)), `oldest ${Math.max(...ages)}`)
    const withoutYear = birthdays.filter((birthday) => birthday.startsWith('--'))
    assert.ok(Math.abs(withoutYear.length / birthdays.length - 0.12) < 0.01)
    const leapDays = birthdays.filter((birthday) => birthday.endsWith('-02-29'))
    assert.ok(leapDays.length > 50 && leapDays.some((birthday) => birthday.startsWith('--')))
  })
}
