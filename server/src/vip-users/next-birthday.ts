import { Recent } from '../database/list-reader.ts'

/** When who was born on 29 February has a birthday in other years. */
export type LeapDay = 'feb28' | 'mar01'

export interface NextBirthday {
  /** `YYYY-MM-DD` */
  date: string
  /** 0: today */
  days: number
}

/** A year's birthdays, both ways; then a day later all anew. */
const MAX_REMEMBERED = 4_000
const remembered = new Recent<string, NextBirthday>(MAX_REMEMBERED)

/**
 * When somebody's birthday is next, on this day or later.
 *
 * @param birthday as rows have it: `YYYY-MM-DD` or `--MM-DD`
 * @param today `YYYY-MM-DD`
 */
export function nextBirthday(birthday: string, today: string, leapDay: LeapDay): NextBirthday {
  const day = birthday.slice(-5)
  const id = `${day} ${today} ${leapDay}`
  const known = remembered.get(id)
  if (known) return known
  const from = Temporal.PlainDate.from(today)
  const [month = 0, date = 0] = day.split('-').map(Number)
  const inYear = (year: number) => {
    const isMoved = month === 2 && date === 29 && leapDay === 'mar01' && !from.with({ year }).inLeapYear
    return isMoved
      ? Temporal.PlainDate.from({ year, month: 3, day: 1 })
      : Temporal.PlainDate.from({ year, month, day: date }, { overflow: 'constrain' })
  }
  const own = inYear(from.year)
  const next = Temporal.PlainDate.compare(own, from) < 0 ? inYear(from.year + 1) : own
  const found = { date: next.toString(), days: from.until(next).days }
  remembered.set(id, found)
  return found
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
