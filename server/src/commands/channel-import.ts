import { setTimeout as pause } from 'node:timers/promises'
import { GraphError } from '../profiles/graph.ts'
import { EndlessListError, listPeople } from '../profiles/list-people.ts'
import { type ChannelOptions, withAccessToken } from './access-token.ts'
import { CommandError } from './command-error.ts'
import { answer, say } from './output.ts'
import { showProgress } from './progress.ts'

/** Can be run again at any time: a conversation that is there already is that conversation. */
export async function run(options: ChannelOptions): Promise<void> {
  await withAccessToken(options, async ({ store, orgId, channel, graph, token }) => {
    let conversations = 0
    const progress = showProgress('Reading conversations', 0)
    try {
      for await (const people of listPeople({ graph, token, wait }, channel)) {
        const eventTimestamp = Date.now()
        await store.write('recordConversations', {
          orgId,
          conversations: people.map(({ profile, platformUserId, lastUserMessageTimestamp }) => ({
            ...profile,
            conversationId: null,
            mediumId: options.channel,
            platformUserId,
            lastUserMessageTimestamp:
              lastUserMessageTimestamp === null ? null : Math.min(lastUserMessageTimestamp, eventTimestamp),
            cuid: null,
            eventTimestamp,
          })),
        })
        conversations += people.length
        progress.update(0, String(conversations))
      }
    } catch (error) {
      if (error instanceof EndlessListError) {
        throw new CommandError(`The platform's list has no end: ${error.message}. Conversations read: ${conversations}`)
      }
      if (!(error instanceof GraphError)) throw error
      throw new CommandError(
        `The platform does not list the conversations (${error.code}): see npx dynamo channel check`,
      )
    } finally {
      progress.stop()
    }
    answer(options, `conversations: ${conversations}`, { id: options.channel, conversations })
  })
}

const MINUTE_MS = 60_000

async function wait(ms: number, why: string): Promise<void> {
  const time = ms < MINUTE_MS ? `${Math.ceil(ms / 1_000)} s` : `${Math.ceil(ms / MINUTE_MS)} min`
  say(`${why}: waiting for ${time}`)
  await pause(ms)
}
