import { Joi } from '../http/input.ts'

/** The hosted API knows no 422 here, so that nothing in the query is refused: what cannot be used counts as left out. */
const DEFAULT_LIMIT = 100
const MAX_LIMIT = 500

export const filterSchema = Joi.object({
  q: Joi.text().description('Case-insensitive part of the name').example('acme'),
  limit: Joi.integer()
    .min(1)
    .default(DEFAULT_LIMIT)
    .description(
      'The most organizations to return; more than 500 counts as 500. Anything but a whole number from 1 counts as left out',
    ),
}).unknown()

export function appliedLimit(limit: unknown): number {
  return typeof limit === 'string' && /^[1-9]\d*$/.test(limit) ? Math.min(Number(limit), MAX_LIMIT) : DEFAULT_LIMIT
}
