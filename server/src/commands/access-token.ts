import { text } from 'node:stream/consumers'
import { accessTokenPlace } from '../channels/access-token.ts'
import type { Store } from '../database/store.ts'
import { createGraph, type Graph } from '../profiles/graph.ts'
import { CommandError } from './command-error.ts'
import { findChannel, findOrganization } from './find.ts'
import { type CommonOptions, say } from './output.ts'
import { withStore } from './with-store.ts'

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

export interface ChannelOptions extends CommonOptions {
  organization: string
  channel: string
}

/** What a command works with that asks the platform about a channel. */
interface AskedChannel {
  store: Store
  orgId: number
  channel: Awaited<ReturnType<typeof findChannel>>
  graph: Graph
  token: string
}

/** @throws CommandError where there is no such channel, or it has no access token */
export async function withAccessToken(
  options: ChannelOptions,
  use: (asked: AskedChannel) => Promise<void>,
): Promise<void> {
  await withStore(async (store, config, secrets) => {
    const { orgId } = await findOrganization(store, options.organization)
    const channel = await findChannel(store, orgId, options.channel)
    if (channel.accessTokenCiphertext === null) {
      throw new CommandError(`${channel.mediumId} has no access token: give it one with channel set --access-token`)
    }
    const token = secrets.decrypt(channel.accessTokenCiphertext, accessTokenPlace(orgId, channel.mediumId))
    await use({ store, orgId, channel, graph: createGraph({ url: config.graphUrl }), token })
  })
}
