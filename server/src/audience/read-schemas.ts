import { Joi } from '../http/input.ts'

export const MAX_IDENTIFIED = 1000
const DEFAULT_IDENTIFIED = 100

/** A place between two users, as a text that says nothing to its bearer. */
export function toCursor(userKey: number): string {
  return Buffer.from(`after ${userKey}`).toString('base64url')
}

function fromCursor(text: string): number | null {
  const [, userKey] = /^after ([1-9]\d{0,15})$/.exec(Buffer.from(text, 'base64url').toString('latin1')) ?? []
  return userKey !== undefined && toCursor(Number(userKey)) === text ? Number(userKey) : null
}

export const identifiedSchema = Joi.object<{ limit: number; next?: number }>({
  limit: Joi.integer()
    .unsafe()
    .min(1)
    .default(DEFAULT_IDENTIFIED)
    .description(`The most users on the page; more than ${MAX_IDENTIFIED} counts as ${MAX_IDENTIFIED}`),
  next: Joi.text()
    .custom((text: string, { error }) => fromCursor(text) ?? error('any.invalid'))
    .description('`next` of the page before'),
})

export const propertiesOfSchema = Joi.object<{ userId: string }>({
  userId: Joi.text()
    .required()
    .description("The customer's own id of the user, percent-encoded")
    .example('player-4711'),
})
