import { type ListPage, Recent } from '../database/list-reader.ts'
import { microsToJson } from '../users/money.ts'
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
}

/** The end of a row, from its birthday on; in a text the quotes would have backslashes before them. */
const TAIL =
  /"birthday":(?:null|"([^"]+)"),"lastPurchaseTimestamp":(?:null|-?\d+),"lastUserMessageTimestamp":(?:null|(-?\d+)),"lastAppOpenTimestamp":(?:null|-?\d+)\}/g

/**
 * A page's rows with what was asked for added to each. The rows' bytes stay as they are stored.
 *
 * @returns a character for each byte: as one text it is taken apart and put together in half the time
 * @throws Error where a row is not of the form that the product writes
 */
export function includeInItems({ items, ltvs, ranks, returned }: ListPage, included: Included): string {
  const rows = items.toString('latin1')
  const { fields } = included
  if (returned === 0) return rows
  if (fields.has('ltv') && ltvs?.length !== returned) throw new Error('A page has not the LTVs of its rows')
  if (fields.has('rank') && ranks?.length !== returned) throw new Error('A page has not the ranks of its rows')
  const moreOf = teller(included)
  let told = ''
  let begin = 0
  let index = 0
  for (const tail of rows.matchAll(TAIL)) {
    const brace = tail.index + tail[0].length - 1
    told += rows.slice(begin, brace) + moreOf(tail[1], tail[2], ltvs?.[index], ranks?.[index])
    begin = brace
    index += 1
  }
  if (index !== returned || begin !== rows.length - 1) throw new Error('A list row has another form')
  return told + rows.slice(begin)
}

/** What tells more of a row: of its birthday and its last message, as the row has them, its LTV and its rank. */
function teller({ fields, today, leapDay }: Included) {
  const [hasLtv, hasRank] = [fields.has('ltv'), fields.has('rank')]
  const hasWindow = fields.has('messagingWindowClosesAt')
  const [hasDate, hasDays] = [fields.has('nextBirthday'), fields.has('daysUntilBirthday')]
  const id = `${today} ${leapDay} ${hasDate} ${hasDays}`
  const birthdays = birthdayTexts.get(id) ?? new Map<string, string>()
  birthdayTexts.set(id, birthdays)

  function birthdayText(birthday: string): string {
    const { date, days } = nextBirthday(birthday, today, leapDay)
    return (hasDate ? `,"nextBirthday":"${date}"` : '') + (hasDays ? `,"daysUntilBirthday":${days}` : '')
  }

  const noBirthday = (hasDate ? ',"nextBirthday":null' : '') + (hasDays ? ',"daysUntilBirthday":null' : '')
  return (
    birthday: string | undefined,
    lastUserMessage: string | undefined,
    ltv: string | undefined,
    rank: number | undefined,
  ): string => {
    let more = ''
    if (hasLtv) more += `,"ltv":${microsToJson(ltv ?? '0')}`
    if (hasRank) more += `,"rank":${rank}`
    if (hasWindow) {
      more += `,"messagingWindowClosesAt":${messagingWindowClosesAt(lastUserMessage === undefined ? null : Number(lastUserMessage))}`
    }
    if (!hasDate && !hasDays) return more
    if (birthday === undefined) return more + noBirthday
    // of every year the same
    return more + birthdays.getOrInsertComputed(birthday.slice(-DAY_CHARACTERS), birthdayText)
  }
}

const DAY_CHARACTERS = 'MM-DD'.length
/** At any moment it is one of three days somewhere; of each, the ways in which birthdays are told. */
const MAX_DAYS = 100
const birthdayTexts = new Recent<string, Map<string, string>>(MAX_DAYS)
