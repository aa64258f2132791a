import { Joi } from '../http/input.ts'
import { CommandError } from './command-error.ts'

/**
 * A name or an id as the API takes it, given on the command line.
 *
 * @throws CommandError (wrong usage) where it is too long, empty or no well-formed text
 */
export function checkText(label: string, text: string, maxBytes?: number): string {
  const { error } = Joi.text(maxBytes).required().label(label).validate(text)
  if (error) throw new CommandError(error.message, 2)
  if (/\p{Cc}/u.test(text)) throw new CommandError(`${label} has a control character`, 2)
  return text
}
