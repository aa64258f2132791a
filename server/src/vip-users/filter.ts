import { type ListQuestion, Recent } from '../database/list-reader.ts'
import { Joi, validateInput } from '../http/input.ts'

/** What a caller may ask the list for. */
export interface ListFilter {
  workspaceId: string
  mediumId: string
  hasBirthday?: boolean
  birthdayMonth?: number
  limit: number
  offset: number
}

export const MAX_LIMIT = 1000
const DEFAULT_LIMIT = 100

/** @see contract, "GET /vip-users" */
export const filterSchema = Joi.object<ListFilter, true>({
  workspaceId: Joi.text().required().description('The VIP workspace').example('6655a1c0f0d3b2a49c8e7d62'),
  mediumId: Joi.text()
    .required()
    .description('The channel: an `id` of `GET /channels`')
    .example('FB_PAGE_123456789012345'),
  hasBirthday: Joi.flag().description('`true`: only users with a known birthday. `false` filters nothing. In any case'),
  birthdayMonth: Joi.integer()
    .min(1)
    .max(12)
    .description('Only users whose birthday is in this calendar month; 29 February is in month 2'),
  limit: Joi.integer()
    // far more than the cap counts as the cap, too
    .unsafe()
    .min(1)
    .default(DEFAULT_LIMIT)
    .description(`The most users on the page; more than ${MAX_LIMIT} counts as ${MAX_LIMIT}`),
  offset: Joi.integer().min(0).default(0).description('How many users to skip; step by `nextOffset`'),
})

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
  const filter = Object.freeze(validateInput(filterSchema, query))
  if (address.length <= MAX_ADDRESS_LENGTH) remembered.set(address, filter)
  return filter
}

/** Whose birthdays: a month says more than `hasBirthday`. */
export function monthsOf({
  hasBirthday,
  birthdayMonth,
}: Readonly<Pick<ListFilter, 'hasBirthday' | 'birthdayMonth'>>): ListQuestion['months'] {
  return birthdayMonth ?? (hasBirthday ? 'any' : null)
}
