import type BaseJoi from 'joi'
import type { CustomHelpers, ErrorReport } from 'joi'
import { ODD, plainObject, plainText } from '../audience/plain.ts'
import { type ListQuestion, Recent } from '../database/list-reader.ts'
import { Joi, validateInput } from '../http/input.ts'
import { INCLUDES, type Include } from './include.ts'
import type { LeapDay } from './next-birthday.ts'

/** Which rows of which list. */
export interface ListRows {
  workspaceId: string
  mediumId: string
  hasBirthday?: boolean
  birthdayMonth?: number
}

/** What a caller may ask the list for. */
export interface ListFilter extends ListRows {
  limit: number
  offset: number
  /** in the order in which it is added to the rows */
  include?: Include[]
  tz: string
  feb29: LeapDay
}

export const MAX_LIMIT = 1000
const DEFAULT_LIMIT = 100

/** @returns null where one of the names is none */
function includesIn(text: string): Include[] | null {
  const names = text.split(',')
  const known = INCLUDES.filter((name) => names.includes(name))
  return names.every((name) => known.some((one) => one === name)) ? known : null
}

function readIncludes(text: string, { error }: CustomHelpers): Include[] | ErrorReport {
  return includesIn(text) ?? error('any.only')
}

/** Names alone: an offset is no place where people live. */
const ZONE = /^[A-Za-z][\w+/-]{1,63}$/

function readZone(text: string, { error }: CustomHelpers): string | ErrorReport {
  try {
    if (ZONE.test(text)) return Temporal.Now.zonedDateTimeISO(text).timeZoneId
  } catch {
    // there is no such zone
  }
  return error('any.invalid')
}

/** Which rows of which list: of a page and of an export. */
export const listKeys = {
  workspaceId: Joi.text().required().description('The VIP workspace').example('6655a1c0f0d3b2a49c8e7d62'),
  mediumId: Joi.text()
    .required()
    .description('The channel: an `id` of `GET /channels`')
    .example('FB_PAGE_123456789012345'),
  hasBirthday: Joi.flag().description(
    '`true`: only users with a known birthday. `false` filters nothing. In upper or lower case',
  ),
  birthdayMonth: Joi.integer()
    .min(1)
    .max(12)
    .description('Only users whose birthday is in this calendar month; 29 February is in month 2'),
}

/** @see contract, "GET /vip-users" */
export const filterSchema = Joi.object<ListFilter, true>({
  ...listKeys,
  limit: Joi.integer()
    // far more than the cap counts as the cap, too
    .unsafe()
    .min(1)
    .default(DEFAULT_LIMIT)
    .description(`The most users on the page; more than ${MAX_LIMIT} counts as ${MAX_LIMIT}`),
  offset: Joi.integer().min(0).default(0).description('How many users to skip; step by `nextOffset`'),
  // a text whose value is a list
  include: (Joi.string() as unknown as BaseJoi.ArraySchema<Include[]>)
    .custom(readIncludes)
    .messages({ 'any.only': `{{#label}} must be one or several of ${INCLUDES.join(', ')}, with commas between` })
    .description(
      'What each row is told with beside its ten fields, with commas between: `ltv` (in units of the currency), `rank` (1-based, in the whole list, whatever the filter), `messagingWindowClosesAt` (epoch ms: 24 hours after the latest message), `nextBirthday` (`YYYY-MM-DD`), `daysUntilBirthday` (0: today)',
    )
    .example('ltv,rank'),
  tz: Joi.string()
    .custom(readZone)
    .default('UTC')
    .messages({ 'any.invalid': '{{#label}} must be a time zone, such as Europe/Berlin' })
    .description('The time zone of `nextBirthday` and `daysUntilBirthday`: an IANA name'),
  feb29: Joi.string()
    .valid('feb28', 'mar01')
    .default('feb28')
    .description('When a birthday on 29 February is in other years'),
})

const plainInteger = (pattern: RegExp) => (value: unknown) =>
  typeof value === 'string' && pattern.test(value) ? Number(value) : ODD

const readPlain = plainObject<Pick<ListFilter, 'workspaceId' | 'mediumId'> & Partial<ListFilter>>(
  {
    workspaceId: plainText,
    mediumId: plainText,
    limit: plainInteger(/^[1-9]\d{0,8}$/),
    offset: plainInteger(/^(?:0|[1-9]\d{0,8})$/),
    birthdayMonth: plainInteger(/^(?:[1-9]|1[0-2])$/),
    hasBirthday: (value) => (value === 'true' ? true : value === 'false' ? false : ODD),
    include: (value) => (typeof value === 'string' ? (includesIn(value) ?? ODD) : ODD),
    tz: (value) => (value === 'UTC' ? value : ODD),
    feb29: (value) => (value === 'feb28' || value === 'mar01' ? value : ODD),
  },
  ['workspaceId', 'mediumId'],
)

/** What the schema makes of a query; of one without anything odd in a tenth of the time. @throws InputError */
export function toFilter(query: unknown): ListFilter {
  const plain = readPlain(query)
  if (plain === ODD) return validateInput(filterSchema, query)
  return { limit: DEFAULT_LIMIT, offset: 0, tz: 'UTC', feb29: 'feb28', ...plain }
}

/** Callers ask the same question over and over, and the schema's answer to one text never changes. */
const MAX_REMEMBERED = 1000
const MAX_ADDRESS_LENGTH = 1024
const remembered = new Recent<string, Readonly<ListFilter>>(MAX_REMEMBERED)

/**
 * @param address  the request's address, whose query is `query`
 * @throws InputError  with all faults of the query at once
 */
export function readFilter(address: string, query: unknown): Readonly<ListFilter> {
  const known = remembered.get(address)
  if (known) return known
  const filter = Object.freeze(toFilter(query))
  if (address.length <= MAX_ADDRESS_LENGTH) remembered.set(address, filter)
  return filter
}

/** Whose birthdays: a month says more than `hasBirthday`. */
export function monthsOf({ hasBirthday, birthdayMonth }: Readonly<ListRows>): ListQuestion['months'] {
  return birthdayMonth ?? (hasBirthday ? 'any' : null)
}
