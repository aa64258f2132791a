import { text } from 'node:stream/consumers'
import { accessTokenPlace } from '../channels/access-token.ts'
import type { Secrets } from '../secrets.ts'
import { CommandError } from './command-error.ts'
import { say } from './output.ts'

export interface AccessTokenOption {
  /** true where the option has no value */
  accessToken?: string | true
}

/** What may stand in a header, and nothing longer than the platform's own. */
const TOKEN = /^[\x21-\x7e]{1,4096}$/

/**
 * The access token that a command is given: from the environment, from standard input with `-`, or, with a warning, as
 * an argument.
 *
 * @returns null where none is given
 * @throws CommandError (wrong usage), which never tells what was given
 */
export async function readAccessToken({ accessToken }: AccessTokenOption): Promise<string | null> {
  if (accessToken === undefined) return null
  if (accessToken === true) {
    const { DYNAMO_ACCESS_TOKEN } = process.env
    if (!DYNAMO_ACCESS_TOKEN) {
      throw new CommandError('Put the access token into DYNAMO_ACCESS_TOKEN, or give it on standard input with -', 2)
    }
    return checked(DYNAMO_ACCESS_TOKEN)
  }
  if (accessToken === '-') return checked(await text(process.stdin))
  say('Warning: other users of this machine can see arguments; put the access token into DYNAMO_ACCESS_TOKEN')
  return checked(accessToken)
}

function checked(given: string): string {
  const token = given.trim()
  if (!TOKEN.test(token))
    throw new CommandError('The access token is 1 to 4096 letters, digits and signs, without blanks', 2)
  return token
}

/** @throws CommandError where the channel has none */
export function findAccessToken(
  secrets: Secrets,
  orgId: number,
  { mediumId, accessTokenCiphertext }: { mediumId: string; accessTokenCiphertext: string | null },
): string {
  if (accessTokenCiphertext === null) {
    throw new CommandError(`${mediumId} has no access token: give it one with channel set --access-token`)
  }
  return secrets.decrypt(accessTokenCiphertext, accessTokenPlace(orgId, mediumId))
}
