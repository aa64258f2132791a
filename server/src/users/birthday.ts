import { daysInMonth, parseImfFixdate, parseIsoStrict } from '../http/date-patterns.ts'

const FIRST_YEAR = 1900
const LEAP_YEAR = 2000
const WITHOUT_YEAR = /^--(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/

/**
 * A birthday as it was reported, imported or entered, in its one form. It is a calendar date: of a date-time the date
 * that was written is kept, whatever its offset. The pattern comes before `Temporal`, which refuses `…Z` and takes
 * much that is no birthday (`20230512`, `2023-05-12[u-ca=gregory]`).
 *
 * @param today  the last day on which one can have been born
 * @returns `YYYY-MM-DD`, or `--MM-DD` where the year is not known; null where it is no birthday: another form, a day
 *   that does not exist, a year before 1900, a day after today
 * @see contract, "GET /vip-users" (`birthday`) and "The Audience API" (dates)
 */
export function parseBirthday(value: unknown, today: Temporal.PlainDate): string | null {
  if (typeof value !== 'string') return null
  const [, month, day] = WITHOUT_YEAR.exec(value) ?? []
  if (month !== undefined) return Number(day) <= daysInMonth(LEAP_YEAR, Number(month)) ? value : null

  const written = parseIsoStrict(value) ?? parseImfFixdate(value)
  if (!written || written.year < FIRST_YEAR) return null
  const date = Temporal.PlainDate.from({ year: written.year, month: written.month, day: written.day })
  return Temporal.PlainDate.compare(date, today) > 0 ? null : date.toString()
}

/** The calendar month, 1..12, of a birthday in its one form; 29 February is in month 2 in every year. */
export function birthdayMonth(birthday: string): number {
  return Number(birthday.slice(-5, -3))
}
