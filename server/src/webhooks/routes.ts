import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Config } from '../config.ts'
import type { Store } from '../database/store.ts'
import { errors } from '../http/errors.ts'
import type { Metrics } from '../http/metrics.ts'
import { createBodyReader } from '../http/read-body.ts'
import { isSameSecret } from '../http/same-secret.ts'
import type { Secrets } from '../secrets.ts'
import { type PlatformEvent, readEvents } from './read-events.ts'
import { isSigned } from './signature.ts'
import type { StoredEvent } from './store-events.ts'
import { createStoreTogether } from './store-together.ts'

export interface WebhookOptions {
  store: Store
  secrets: Secrets
  metrics: Metrics
  meta: NonNullable<Config['meta']>
  /** epoch ms */
  now: () => number
  /** called when events have been stored */
  onEvents: () => void
}

const MAX_CHALLENGE = 256
/** Whose they are is known when they are whole: who sends none of Meta's takes this from Meta's alone. */
const MAX_ARRIVING = 16 * 1024 * 1024
/** One of Meta's is here at once: what stalls is a stranger's, and makes room for it. */
const GIVES_WAY_MS = 2_000
const utf8 = new TextDecoder('utf-8', { fatal: true })

const HANDSHAKE = { operation: async () => (await import('./operations.ts')).handshakeOperation }
const NOTIFICATION = { operation: async () => (await import('./operations.ts')).notificationOperation }

/**
 * `/webhooks/meta`: what Facebook Messenger and Instagram tell of the channels' conversations. `GET` is their handshake,
 * `POST` a notification, which is answered when its events are stored.
 *
 * @see https://developers.facebook.com/docs/graph-api/webhooks/getting-started
 */
export function webhookRoutes(app: FastifyInstance, options: WebhookOptions): void {
  const { store, secrets, metrics, meta, now, onEvents } = options
  const storeTogether = createStoreTogether(
    (events) => store.write('storeEvents', { events }),
    ({ message, referral, ...others }) => {
      metrics.countEvents('message', message)
      metrics.countEvents('referral', referral)
      for (const [reason, count] of Object.entries(others)) metrics.countDroppedEvents(reason, count)
      if (message + referral > 0) onEvents()
    },
  )
  // the bytes as they came are what is signed
  app.removeAllContentTypeParsers()
  const read = createBodyReader(MAX_ARRIVING, GIVES_WAY_MS)
  app.addContentTypeParser('*', (_request: FastifyRequest, arriving: IncomingMessage) => read(arriving))

  app.get<{ Querystring: Record<string, unknown> }>('/webhooks/meta', { config: HANDSHAKE }, ({ query }, reply) => {
    const challenge = query['hub.challenge']
    const token = query['hub.verify_token']
    const isAsked = query['hub.mode'] === 'subscribe' && typeof challenge === 'string' && typeof token === 'string'
    if (!isAsked || challenge.length > MAX_CHALLENGE || !isSameSecret(token, meta.verifyToken)) {
      throw errors.webhookForbidden()
    }
    noStore(reply).type('text/plain; charset=utf-8').send(challenge)
  })

  app.post('/webhooks/meta', { config: NOTIFICATION }, async (request, reply) => {
    const body = request.body instanceof Uint8Array ? request.body : new Uint8Array()
    if (!isSigned(body, request.headers['x-hub-signature-256'], meta.appSecrets)) {
      metrics.countSigningFault('webhook')
      throw errors.webhookForbidden()
    }
    const { events, dropped } = readEvents(parse(body), now())
    const known = await withChannels(store, secrets, events)
    if (known.length > 0) await storeTogether(known)
    // counted when they are stored: what is not will come again
    for (const [reason, count] of Object.entries(dropped)) metrics.countDroppedEvents(reason, count)
    metrics.countDroppedEvents('unknown channel', events.length - known.length)
    return noStore(reply).send()
  })
}

function noStore(reply: FastifyReply): FastifyReply {
  return reply.header('cache-control', 'no-store')
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(body))
  } catch {
    throw errors.malformedJson()
  }
}

/** Those of channels that an organization has. */
async function withChannels(
  { db }: Pick<Store, 'db'>,
  secrets: Secrets,
  events: PlatformEvent[],
): Promise<StoredEvent[]> {
  const [first] = events
  if (!first) return []
  const platformIds = [...new Set(events.map((event) => event.platformId))]
  const channelOf = new Map<string, Awaited<ReturnType<typeof readChannels>>[number]>()
  for (let from = 0; from < platformIds.length; from += CHANNELS_PER_READ) {
    // a notification is of one type
    const rows = await readChannels(db, first.channelType, platformIds.slice(from, from + CHANNELS_PER_READ))
    for (const row of rows) channelOf.set(row.platform_id, row)
  }
  return events.flatMap(({ platformId, platformUserId, kind, timestamp, mid, linkId }) => {
    const channel = channelOf.get(platformId)
    if (!channel) return []
    const midHash = mid === null ? null : secrets.hash(`message ${mid}`)
    const { org_id: orgId, channel_key: channelKey, medium_id: mediumId } = channel
    return { orgId, channelKey, mediumId, platformUserId, kind, timestamp, midHash, linkId }
  })
}

/** A notification is of some; SQLite takes 32,766 values. */
const CHANNELS_PER_READ = 10_000

function readChannels(db: Store['db'], type: PlatformEvent['channelType'], platformIds: string[]) {
  return db
    .selectFrom('channels as c')
    .select(['c.org_id', 'c.channel_key', 'c.medium_id', 'c.platform_id'])
    .where('c.type', '=', type)
    .where('c.platform_id', 'in', platformIds)
    .execute()
}
