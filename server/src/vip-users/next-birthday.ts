import { Recent } from '../database/list-reader.ts'

/** When who was born on 29 February has a birthday in other years. */
export type LeapDay = 'feb28' | 'mar01'

export interface NextBirthday {
  /** `YYYY-MM-DD` */
  date: string
  /** 0: today */
  days: number
}

/**
 * When somebody's birthday is next, on this day or later.
 *
 * @param birthday as rows have it: `YYYY-MM-DD` or `--MM-DD`
 * @param today `YYYY-MM-DD`
 */
export function nextBirthday(birthday: string, today: string, leapDay: LeapDay): NextBirthday {
  const from = Temporal.PlainDate.from(today)
  const [month = 0, date = 0] = birthday.slice(-5).split('-').map(Number)
  const inYear = (year: number) => {
    const isMoved = month === 2 && date === 29 && leapDay === 'mar01' && !from.with({ year }).inLeapYear
    return isMoved
      ? Temporal.PlainDate.from({ year, month: 3, day: 1 })
      : Temporal.PlainDate.from({ year, month, day: date }, { overflow: 'constrain' })
  }
  const own = inYear(from.year)
  const next = Temporal.PlainDate.compare(own, from) < 0 ? inYear(from.year + 1) : own
  return { date: next.toString(), days: from.until(next).days }
}

const MAX_ZONES = 1_000
const days = new Recent<string, { date: string; fromMs: number; untilMs: number }>(MAX_ZONES)

/**
 * Which day it is in a time zone.
 *
 * @param nowMs epoch ms
 * @returns `YYYY-MM-DD`
 */
export function dayIn(timeZone: string, nowMs: number): string {
  const known = days.get(timeZone)
  if (known && nowMs >= known.fromMs && nowMs < known.untilMs) return known.date
  const day = Temporal.Instant.fromEpochMilliseconds(nowMs).toZonedDateTimeISO(timeZone).startOfDay()
  const date = day.toPlainDate().toString()
  days.set(timeZone, {
    date,
    fromMs: day.epochMilliseconds,
    untilMs: day.add({ days: 1 }).startOfDay().epochMilliseconds,
  })
  return date
}
