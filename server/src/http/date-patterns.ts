/**
 * The written forms of a date that the API reads: ISO-8601, IMF-fixdate (RFC 9110, section 5.6.7) and the dates of
 * e-mail (RFC 2822, section 3.3). Patterns of our own, because `Date.parse` guesses: it takes `2023`, `1/2/23` and
 * 30 February. Every pattern is anchored and its repetitions are bounded, so that matching is linear.
 */
const DATE = String.raw`(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])`
const CLOCK = String.raw`([01]\d|2[0-3]):([0-5]\d)`
const ISO_TIME = String.raw`${CLOCK}(?::([0-5]\d)(?:\.(\d{1,9}))?)?`
const OFFSET_HOUR = String.raw`[+-](?:[01]\d|2[0-3])`
const ISO_STRICT = new RegExp(`^${DATE}(?:T${ISO_TIME}(Z|${OFFSET_HOUR}:[0-5]\\d)?)?$`)
const ISO = new RegExp(`^${DATE}(?:[T ]${ISO_TIME}(Z|${OFFSET_HOUR}:?[0-5]\\d)?)?$`)

const WEEK_DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const WEEK_DAY = `(${WEEK_DAYS.join('|')}), `
const MONTH_AND_YEAR = String.raw`(${MONTHS.join('|')}) (\d{4})`
const IMF_FIXDATE = new RegExp(String.raw`^${WEEK_DAY}(\d{2}) ${MONTH_AND_YEAR} ${CLOCK}:([0-5]\d) (GMT)$`)
const MAIL_DATE = new RegExp(
  String.raw`^(?:${WEEK_DAY})?(\d{1,2}) ${MONTH_AND_YEAR} ${CLOCK}(?::([0-5]\d))? ` +
    String.raw`(${OFFSET_HOUR}[0-5]\d|UTC?|GMT|[ECMP][SD]T)$`,
)
/** The zone names of RFC 2822, section 4.3, as offsets. */
const ZONES: Record<string, string> = {
  Z: '+0000',
  UT: '+0000',
  UTC: '+0000',
  GMT: '+0000',
  EST: '-0500',
  EDT: '-0400',
  CST: '-0600',
  CDT: '-0500',
  MST: '-0700',
  MDT: '-0600',
  PST: '-0800',
  PDT: '-0700',
}

const MINUTE_MS = 60_000
const GREGORIAN_CYCLE_YEARS = 400
const GREGORIAN_CYCLE_MS = 146_097 * 86_400_000

export interface WrittenDate {
  year: number
  /** 1..12 */
  month: number
  day: number
  /** Epoch ms, a finer fraction cut off; midnight UTC where only a date is written. */
  timestamp: number
  hasTime: boolean
}

/** Days of a month (1..12) of the Gregorian calendar, which is also used for the years before it. */
export function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

/**
 * ISO-8601 as the common languages print it: a date, or date and time with `T` or a blank, seconds or none, 0 to 9
 * fraction digits, and `Z`, `±hh:mm`, `±hhmm` or nothing (UTC). Null for anything else, 30 February included.
 */
export function parseIso(text: string): WrittenDate | null {
  return fromIso(ISO.exec(text))
}

/** ISO-8601 to the letter: as `parseIso`, but `T` between date and time, and `Z` or `±hh:mm` where there is an offset. */
export function parseIsoStrict(text: string): WrittenDate | null {
  return fromIso(ISO_STRICT.exec(text))
}

/** `Mon, 14 Feb 2022 20:35:03 GMT`, and nothing else. Null also where the week day is not the date's. */
export function parseImfFixdate(text: string): WrittenDate | null {
  return fromMail(IMF_FIXDATE.exec(text))
}

/**
 * A date of RFC 2822: the week day may be left out (a wrong one is null), a day has one or two digits, seconds may be
 * left out, the zone is `±hhmm` or a name.
 */
export function parseMailDate(text: string): WrittenDate | null {
  return fromMail(MAIL_DATE.exec(text))
}

function fromIso(match: RegExpExecArray | null): WrittenDate | null {
  if (!match) return null
  const [, year = '', month = '', day = '', hour, minute = '0', second = '0', fraction = '', offset = 'Z'] = match
  const written = atMidnight(Number(year), Number(month), Number(day))
  if (!written || hour === undefined) return written
  return atTime(written, hour, minute, second, fraction, offset)
}

function fromMail(match: RegExpExecArray | null): WrittenDate | null {
  if (!match) return null
  const [, weekDay, day = '', month = '', year = '', hour = '0', minute = '0', second = '0', zone = 'Z'] = match
  const written = atMidnight(Number(year), MONTHS.indexOf(month) + 1, Number(day))
  if (!written) return null
  if (weekDay !== undefined && weekDay !== WEEK_DAYS[new Date(written.timestamp).getUTCDay()]) return null
  return atTime(written, hour, minute, second, '', zone)
}

function atMidnight(year: number, month: number, day: number): WrittenDate | null {
  if (day < 1 || day > daysInMonth(year, month)) return null
  // Date.UTC takes the years 0 to 99 for 1900 to 1999: a whole cycle of the calendar later it does not.
  const timestamp = Date.UTC(year + GREGORIAN_CYCLE_YEARS, month - 1, day) - GREGORIAN_CYCLE_MS
  return { year, month, day, timestamp, hasTime: false }
}

function atTime(
  date: WrittenDate,
  hour: string,
  minute: string,
  second: string,
  fraction: string,
  zone: string,
): WrittenDate {
  const seconds = Number(hour) * 3600 + Number(minute) * 60 + Number(second)
  const fractionMs = fraction === '' ? 0 : Number(fraction.slice(0, 3).padEnd(3, '0'))
  const timestamp = date.timestamp + seconds * 1000 + fractionMs - offsetMinutes(ZONES[zone] ?? zone) * MINUTE_MS
  return { ...date, timestamp, hasTime: true }
}

/** `±hh:mm` or `±hhmm` in minutes east of UTC. */
function offsetMinutes(offset: string): number {
  const minutes = Number(offset.slice(1, 3)) * 60 + Number(offset.slice(-2))
  return offset.startsWith('-') ? -minutes : minutes
}
