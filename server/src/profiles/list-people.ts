import { isRecord } from '../http/is-record.ts'
import { dataIn, type Graph, GraphError, jittered } from './graph.ts'
import { type Profile, toProfile } from './profile.ts'

/** A person with whom a channel has a conversation at the platform. */
export interface Person {
  platformUserId: string
  profile: Profile
  /** epoch ms: of their messages among the last ones; null: none is among them */
  lastUserMessageTimestamp: number | null
}

export interface PeopleOfChannel {
  type: 'FB_PAGE' | 'INSTAGRAM_ACCOUNT'
  platformId: string
}

interface Asking {
  graph: Graph
  token: string
  /** waits for so many ms, and tells why */
  wait: (ms: number, why: string) => Promise<void>
}

/** A page of them, each with some messages, is some hundred kilobytes at most. */
const PAGE = 50
/** Who wrote when, and not what. */
const FIELDS = 'participants,messages.limit(10){from,created_time}'
const PLATFORM = { FB_PAGE: 'messenger', INSTAGRAM_ACCOUNT: 'instagram' } as const
const LIMITED_PAUSE_MS = 300_000
const RETRY_MS = 500
const MAX_ATTEMPTS = 6
/** Of people whom we cannot tell apart, or who were listed before; a list that goes on like that has no end. */
const MAX_STALE_PAGES = 100
/** Characters; the platform's own have some hundred. */
const MAX_CURSOR = 4_096
/** `2026-05-01T10:00:00+0000` */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)$/
const LEFT_ALONE = 'The platform asks to be left alone'

/** A list that goes on, and names nobody new. */
export class EndlessListError extends Error {}

/**
 * The people with whom a channel has conversations, as the platform lists them, page by page; those whom it lists
 * without telling who is the person are left out. Waits where the platform was asked too much.
 *
 * @throws GraphError where the token is no good or may not do it, or where nothing helps
 * @throws EndlessListError
 * @see https://developers.facebook.com/docs/messenger-platform/conversations
 */
export async function* listPeople(asking: Asking, channel: PeopleOfChannel): AsyncGenerator<Person[]> {
  const params = { platform: PLATFORM[channel.type], fields: FIELDS, limit: String(PAGE) }
  // no more than conversations that are stored
  const seen = new Set<string>()
  let stalePages = 0
  for (let after: string | undefined; ; ) {
    const { body, pauses } = await ask(asking, after === undefined ? params : { ...params, after })
    const conversations = Array.isArray(body.data) ? body.data : []
    const people = conversations.flatMap((conversation) => toPerson(conversation, channel) ?? [])
    if (people.length > 0) yield people
    const before = after
    after = cursorIn(body)
    // the same cursor again would lead to the same page
    if (conversations.length === 0 || after === undefined || after === before) return
    const known = seen.size
    for (const { platformUserId } of people) seen.add(platformUserId)
    stalePages = seen.size > known ? 0 : stalePages + 1
    if (stalePages === MAX_STALE_PAGES) throw new EndlessListError(`${stalePages} pages in a row name nobody new`)
    if (pauses.channelMs > 0) await asking.wait(pauses.channelMs, LEFT_ALONE)
  }
}

async function ask({ graph, token, wait }: Asking, params: Record<string, string>) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await graph.get('me/conversations', params, token)
    } catch (error) {
      if (!(error instanceof GraphError)) throw error
      if (error.fault === 'limited') {
        await wait(Math.max(error.pauses.channelMs, jittered(LIMITED_PAUSE_MS)), LEFT_ALONE)
      } else if (error.fault === 'failed' && attempt < MAX_ATTEMPTS) {
        await wait(jittered(RETRY_MS * 2 ** attempt), `The platform does not answer as it should (${error.code})`)
      } else throw error
    }
  }
}

function cursorIn({ paging }: Record<string, unknown>): string | undefined {
  const cursors = isRecord(paging) ? paging.cursors : undefined
  const after = isRecord(cursors) ? cursors.after : undefined
  return typeof after === 'string' && after !== '' && after.length <= MAX_CURSOR ? after : undefined
}

function toPerson(conversation: unknown, { type, platformId }: PeopleOfChannel): Person | undefined {
  if (!isRecord(conversation)) return undefined
  const others = dataIn(conversation.participants).filter((one) => one.id !== platformId)
  const [person] = others
  if (others.length !== 1 || typeof person?.id !== 'string' || !/^\d{1,255}$/.test(person.id)) return undefined
  const { id } = person
  const times = dataIn(conversation.messages)
    .filter(({ from }) => isRecord(from) && from.id === id)
    .flatMap(({ created_time: time }) => (typeof time === 'string' && TIME.test(time) ? Date.parse(time) : []))
    .filter((time) => time > 0)
  return {
    platformUserId: id,
    profile: toProfile(type, { name: person.name, username: person.username }),
    lastUserMessageTimestamp: times.length === 0 ? null : Math.max(...times),
  }
}
