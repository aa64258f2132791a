import { Joi } from '../http/input.ts'
import { CommandError } from './command-error.ts'

/** The channel's id is made of its type and platform id, and has at most 255 bytes like every id. */
const MAX_PLATFORM_ID_BYTES = 255 - 'INSTAGRAM_ACCOUNT_'.length

/** @throws CommandError (wrong usage) where the platform has no such ids */
export function checkPlatformId(text: string): string {
  const platformId = checkText('--platform-id', text, MAX_PLATFORM_ID_BYTES)
  if (/^(?:FB_PAGE|INSTAGRAM_ACCOUNT)_/.test(platformId)) {
    throw new CommandError("--platform-id is the platform's own id, without FB_PAGE_ or INSTAGRAM_ACCOUNT_", 2)
  }
  if (!/^\d+$/.test(platformId)) {
    throw new CommandError(
      "--platform-id is a number, not a name: the page's id, or the Instagram account's (it starts with 1784), as Meta Business Suite shows it",
      2,
    )
  }
  return platformId
}

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
