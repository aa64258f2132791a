import type { Random } from './random.ts'

const DAYS_OF_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
const YOUNGEST = 21
const OLDEST = 85

/**
 * A birthday as a back end reports it: `YYYY-MM-DD`, or (12 %) `--MM-DD`, where the year is not known. With a year the
 * person is 21 to 85 years old on `asOf`. One in 200 is on 29 February, seven times as many as in life, so that a sample
 * has enough of them to look at; with a year it is a leap year.
 */
export function makeBirthday(random: Random, asOf: Temporal.PlainDate): string {
  const leapDay = random.chance(0.005)
  const monthIndex = random.integer(12)
  const day = 1 + random.integer(DAYS_OF_MONTH[monthIndex] ?? 28)
  // One year more than the youngest: whether this year's birthday has passed does not matter then.
  const yearsBack = YOUNGEST + 1 + random.integer(OLDEST - YOUNGEST)
  const monthDay = leapDay ? '02-29' : `${twoDigits(monthIndex + 1)}-${twoDigits(day)}`
  if (random.chance(0.12)) return `--${monthDay}`
  return `${leapDay ? leapYear(asOf, yearsBack) : asOf.year - yearsBack}-${monthDay}`
}

/** The latest leap year at least this many years back, made no older than `OLDEST` (leap years may be 8 apart). */
function leapYear(asOf: Temporal.PlainDate, yearsBack: number): number {
  let date = asOf.subtract({ years: Math.min(yearsBack, OLDEST - 7) })
  while (!date.inLeapYear) date = date.subtract({ years: 1 })
  return date.year
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0')
}
