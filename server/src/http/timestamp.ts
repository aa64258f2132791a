import { parseIso, parseMailDate } from './date-patterns.ts'

/** How far ahead of the server's clock a reported time may lie. */
export const MAX_AHEAD_MS = 86_400_000
/** The longest text that is looked at: every form of a date is shorter. */
export const MAX_DATE_LENGTH = 64
/** Below it a number is taken for seconds: as milliseconds it is March 1973, as seconds the year 5138. */
const FIRST_MILLISECONDS = 1e11
/** The last moment that a `Date` can hold (ECMA-262, "Time Values and Time Range"). */
const LAST_TIMESTAMP = 8.64e15
const NUMBER = /^-?\d+(?:\.\d+)?$/

export type TimestampFault = 'format' | 'seconds' | 'range'

/**
 * A time in a request or a file: epoch ms as a number or as digits, or ISO-8601; a date alone is its midnight UTC.
 *
 * @returns epoch ms, or what is wrong: `seconds` for any number below 10^11, `range` for one past the end of time,
 *   `format` for everything else
 * @see contract, "Types"
 */
export function parseTimestamp(value: unknown): { timestamp: number } | { fault: TimestampFault } {
  if (typeof value === 'number') return fromNumber(value)
  if (typeof value !== 'string' || value.length > MAX_DATE_LENGTH) return { fault: 'format' }
  if (NUMBER.test(value)) return fromNumber(Number(value))
  const written = parseIso(value)
  return written ? { timestamp: written.timestamp } : { fault: 'format' }
}

function fromNumber(value: number): { timestamp: number } | { fault: TimestampFault } {
  if (value < FIRST_MILLISECONDS) return { fault: 'seconds' }
  if (value > LAST_TIMESTAMP) return { fault: 'range' }
  return Number.isInteger(value) ? { timestamp: value } : { fault: 'format' }
}

/**
 * The time in an `x-date` header: ISO-8601 date and time, an HTTP date or an RFC 2822 date, at most 64 characters.
 *
 * @returns epoch ms, a finer fraction cut off; null for anything else, also for a date alone, a year, a number
 * @see contract, "Signing: every request, three headers"
 */
export function parseHttpDate(text: string): number | null {
  if (text.length > MAX_DATE_LENGTH) return null
  const written = parseIso(text) ?? parseMailDate(text)
  return written?.hasTime ? written.timestamp : null
}
