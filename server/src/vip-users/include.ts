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

/** Between two rows; in a text the quote would have a backslash before it, and so would those of a field's name. */
const NEXT_ROW = '},{"conversationId":"'

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
  if (!rows.endsWith('}')) throw new Error('A list row has another form')
  const moreOf = teller(included)
  let told = ''
  let begin = 0
  for (let index = 0; index < returned; index++) {
    const next = rows.indexOf(NEXT_ROW, begin + 1)
    if ((next === -1) !== (index === returned - 1)) throw new Error('A page has not as many rows as it says')
    const brace = next === -1 ? rows.length - 1 : next
    told += rows.slice(begin, brace) + moreOf({ rows, begin, brace }, ltvs?.[index], ranks?.[index])
    begin = brace
  }
  return told + rows.slice(begin)
}

/** Where one of a page's rows is in their text. */
interface RowPlace {
  rows: string
  begin: number
  brace: number
}

/** What is looked up stands in so many characters at the end of a row: a birthday and three times. */
const TAIL_CHARACTERS = 200

/** A field as JSON. @throws Error where the row has none of this name */
function fieldOf({ rows, begin, brace }: RowPlace, name: 'birthday' | 'lastUserMessageTimestamp'): string {
  const key = `"${name}":`
  const at = rows.indexOf(key, Math.max(begin, brace - TAIL_CHARACTERS))
  if (at === -1 || at > brace) throw new Error(`A list row has no ${name}`)
  const start = at + key.length
  return rows.slice(start, rows.indexOf(',', start))
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
  return (row: RowPlace, ltv: string | undefined, rank: number | undefined): string => {
    let more = ''
    if (hasLtv) more += `,"ltv":${microsToJson(ltv ?? '0')}`
    if (hasRank) more += `,"rank":${rank}`
    if (hasWindow) {
      const lastUserMessage = fieldOf(row, 'lastUserMessageTimestamp')
      more += `,"messagingWindowClosesAt":${messagingWindowClosesAt(lastUserMessage === 'null' ? null : Number(lastUserMessage))}`
    }
    if (!hasDate && !hasDays) return more
    const birthday = fieldOf(row, 'birthday')
    if (birthday === 'null') return more + noBirthday
    // of every year the same
    return more + birthdays.getOrInsertComputed(birthday.slice(-DAY_CHARACTERS - 1, -1), birthdayText)
  }
}

const DAY_CHARACTERS = 'MM-DD'.length
/** At any moment it is one of three days somewhere; of each, the ways in which birthdays are told. */
const MAX_DAYS = 100
const birthdayTexts = new Recent<string, Map<string, string>>(MAX_DAYS)
