import type { ListPage } from '../database/list-reader.ts'
import { microsToNumber } from '../users/money.ts'
import { messagingWindowClosesAt } from './messaging-window.ts'
import { type LeapDay, nextBirthday } from './next-birthday.ts'

/** What rows can be told with beside the contract's fields, in the order in which it is added to them. */
export const INCLUDES = ['ltv', 'rank', 'messagingWindowClosesAt', 'nextBirthday', 'daysUntilBirthday'] as const
export type Include = (typeof INCLUDES)[number]

export interface Included {
  fields: ReadonlySet<Include>
  /** `YYYY-MM-DD`: from when birthdays are counted */
  today: string
  leapDay: LeapDay
  /** 1-based, of each row; asked for `rank` alone */
  ranks: readonly number[]
}

/** Between two rows: in a text the quotes would have backslashes before them. */
const BETWEEN = '},{"conversationId":'
/** The end of a row, from its birthday on, takes at most so many bytes. */
const TAIL_BYTES = 200
const TAIL =
  /"birthday":(?:null|"([^"]+)"),"lastPurchaseTimestamp":(?:null|-?\d+),"lastUserMessageTimestamp":(?:null|(-?\d+)),"lastAppOpenTimestamp":(?:null|-?\d+)\}$/

/**
 * A page's rows with what was asked for added to each. The rows' bytes stay as they are stored.
 *
 * @throws Error where a row is not of the form that the product writes
 */
export function includeInItems({ items, ltvs, returned }: ListPage, included: Included): Buffer {
  // a character for each byte: as one text it is taken apart and put together in half the time
  const rows = items.toString('latin1')
  let told = ''
  let begin = 0
  for (let index = 0; index < returned; index++) {
    const brace = index + 1 < returned ? rows.indexOf(BETWEEN, begin + 1) : rows.length - 1
    const end = rows.slice(Math.max(begin, brace + 1 - TAIL_BYTES), brace + 1)
    told += rows.slice(begin, brace) + moreOf(end, ltvs?.[index], included.ranks[index], included)
    begin = brace
  }
  return Buffer.from(told + rows.slice(begin), 'latin1')
}

function moreOf(
  end: string,
  ltv: string | undefined,
  rank: number | undefined,
  { fields, today, leapDay }: Included,
): string {
  const tail = TAIL.exec(end)
  if (!tail) throw new Error('A list row has another form')
  const [, birthday, lastUserMessage] = tail
  let more = ''
  if (fields.has('ltv')) more += `,"ltv":${ltvOf(ltv ?? '0')}`
  if (fields.has('rank')) more += `,"rank":${rank}`
  if (fields.has('messagingWindowClosesAt')) {
    more += `,"messagingWindowClosesAt":${messagingWindowClosesAt(lastUserMessage === undefined ? null : Number(lastUserMessage))}`
  }
  if (!fields.has('nextBirthday') && !fields.has('daysUntilBirthday')) return more
  const next = birthday === undefined ? null : nextBirthday(birthday, today, leapDay)
  if (fields.has('nextBirthday')) more += `,"nextBirthday":${next ? `"${next.date}"` : null}`
  if (fields.has('daysUntilBirthday')) more += `,"daysUntilBirthday":${next ? next.days : null}`
  return more
}

/** In units of the currency, as JSON. */
function ltvOf(micros: string): string {
  return JSON.stringify(microsToNumber(BigInt(micros)))
}
