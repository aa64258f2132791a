import { isRecord } from '../http/is-record.ts'

/** What happened between a person and a channel, as far as the product needs it: no text, no attachment, no payload. */
export interface PlatformEvent {
  channelType: 'FB_PAGE' | 'INSTAGRAM_ACCOUNT'
  /** the page's or the account's own id */
  platformId: string
  /** the person, known to this channel alone by this id */
  platformUserId: string
  /** `message`: the person wrote, or pressed a button; `referral`: the person came by a link */
  kind: 'message' | 'referral'
  /** epoch ms */
  timestamp: number
  /** the message's own id; a postback may have none, a referral has none */
  mid: string | null
  /** the link id that came with it */
  linkId: string | null
}

/** What a notification holds that is nobody's message. */
export type DroppedKind = 'echo' | 'read' | 'delivery' | 'reaction' | 'deleted' | 'change' | 'other' | 'malformed'

export interface ReadEvents {
  events: PlatformEvent[]
  dropped: Partial<Record<DroppedKind, number>>
}

const CHANNEL_TYPES = new Map<unknown, PlatformEvent['channelType']>([
  ['page', 'FB_PAGE'],
  ['instagram', 'INSTAGRAM_ACCOUNT'],
])
const MAX_ID_BYTES = 255
/** Below it a number of ms would be in 1973: some events tell seconds. */
const FIRST_MS = 1e11

/**
 * Takes out of a notification who did what when. What is not of a known shape is counted and dropped: the platform adds
 * kinds of events as it likes, and stops sending to who refuses them.
 *
 * @param body a notification's JSON
 * @param now  epoch ms: an event cannot be later
 * @see https://developers.facebook.com/docs/messenger-platform/reference/webhook-events
 * @see https://developers.facebook.com/docs/instagram-platform/webhooks
 */
export function readEvents(body: unknown, now: number): ReadEvents {
  const read: ReadEvents = { events: [], dropped: {} }
  const drop = (kind: DroppedKind) => {
    read.dropped[kind] = (read.dropped[kind] ?? 0) + 1
  }
  const { object, entry } = fieldsOf(body)
  const channelType = CHANNEL_TYPES.get(object)
  if (!channelType) {
    drop('other')
    return read
  }
  for (const { id, time, messaging, standby, changes } of listOf(entry).map(fieldsOf)) {
    for (const _change of listOf(changes)) drop('change')
    for (const event of [...listOf(messaging), ...listOf(standby)]) {
      const seen = readEvent(fieldsOf(event))
      if ('drop' in seen) {
        drop(seen.drop)
        continue
      }
      const platformId = idOf(id)
      const platformUserId = idOf(fieldsOf(fieldsOf(event).sender).id)
      const timestamp = timeOf(fieldsOf(event).timestamp) ?? timeOf(time)
      if (platformId === null || platformUserId === null || platformUserId === platformId || timestamp === null) {
        drop('malformed')
        continue
      }
      read.events.push({ channelType, platformId, platformUserId, timestamp: Math.min(timestamp, now), ...seen })
    }
  }
  return read
}

type Fields = Record<string, unknown>
type Seen = Pick<PlatformEvent, 'kind' | 'mid' | 'linkId'> | { drop: DroppedKind }

function readEvent(event: Fields): Seen {
  if (isRecord(event.message)) {
    const { is_echo, is_deleted, mid, referral } = event.message
    if (is_echo === true) return { drop: 'echo' }
    if (is_deleted === true) return { drop: 'deleted' }
    return { kind: 'message', mid: textOf(mid), linkId: linkOf(referral) }
  }
  if (isRecord(event.postback)) {
    const { mid, referral } = event.postback
    return { kind: 'message', mid: textOf(mid), linkId: linkOf(referral) }
  }
  if (isRecord(event.referral)) return { kind: 'referral', mid: null, linkId: linkOf(event.referral) }
  for (const kind of ['read', 'delivery', 'reaction'] as const) if (isRecord(event[kind])) return { drop: kind }
  return { drop: 'other' }
}

/** `ref`: what was put behind `m.me/…?ref=` or `ig.me/…?ref=`. */
function linkOf(referral: unknown): string | null {
  const { ref } = fieldsOf(referral)
  return typeof ref === 'string' ? idOf(ref) : null
}

function idOf(value: unknown): string | null {
  const id = textOf(value)
  return id !== null && Buffer.byteLength(id) <= MAX_ID_BYTES ? id : null
}

/** Of any length: a message's id is kept as a hash. */
function textOf(value: unknown): string | null {
  const text = Number.isSafeInteger(value) ? String(value) : value
  return typeof text === 'string' && text !== '' && !text.includes('\0') && text.isWellFormed() ? text : null
}

function timeOf(value: unknown): number | null {
  const time = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value
  if (!Number.isSafeInteger(time) || (time as number) <= 0) return null
  return (time as number) < FIRST_MS ? (time as number) * 1_000 : (time as number)
}

const fieldsOf = (value: unknown): Fields => (isRecord(value) ? value : {})
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])
