import type { FastifyInstance, FastifyRequest } from 'fastify'
import { sql } from 'kysely'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Store } from '../database/store.ts'
import type { SigningFault } from './errors.ts'
import { ApiError, errors } from './errors.ts'
import { isSameSecret } from './same-secret.ts'

export interface Metrics {
  /** @param route  the template, never the address: its values are unbounded */
  countRequest: (route: string, method: string, status: number, seconds: number) => void
  countSigningFault: (fault: SigningFault) => void
  countListRead: (seconds: number) => void
  /** properties that should be birthdays and are none */
  countRejectedBirthdays: (count: number) => void
  /** facts dated before the erasure of their user: dropped */
  countErasedFacts: (count: number) => void
  /** events of webhooks that were stored to be worked off */
  countEvents: (kind: 'message' | 'referral', count: number) => void
  /** events of webhooks that change nothing, by reason */
  countDroppedEvents: (reason: string, count: number) => void
  /** runs one export, and counts it by its outcome */
  timeExport: <T>(make: () => Promise<T>) => Promise<T>
  /** calls to the Graph API. @param code `ok`, or what it answered instead */
  countGraphCall: (code: string) => void
  /** everything in Prometheus's text format */
  text: () => Promise<string>
}

/** From a page of a quiet list to a client that gives up. */
const SECONDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]
const EXPORT_SECONDS = [0.01, 0.1, 1, 10, 60, 300]
const STATUS_CLASSES = ['0xx', '1xx', '2xx', '3xx', '4xx', '5xx']

export function createMetrics(store: Pick<Store, 'db' | 'name' | 'writeDepth'>): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const requests = new Histogram({
    name: 'dynamo_request_seconds',
    help: 'Time from a request to its answer',
    labelNames: ['route', 'method', 'status'],
    buckets: SECONDS,
    registers,
  })
  const faults = new Counter({
    name: 'dynamo_signing_failures_total',
    help: 'Requests that signing refused, by reason',
    labelNames: ['reason'],
    registers,
  })
  const lists = new Histogram({
    name: 'dynamo_list_read_seconds',
    help: 'Time that the store took for a page of a list',
    labelNames: ['store'],
    buckets: SECONDS,
    registers,
  })
  const rejectedBirthdays = new Counter({
    name: 'dynamo_rejected_birthdays_total',
    help: 'Properties reported as birthdays that are none; they are kept as properties',
    registers,
  })
  const erasedFacts = new Counter({
    name: 'dynamo_erased_facts_total',
    help: 'Facts reported that are dated before the erasure of their user; they are dropped',
    registers,
  })
  const events = new Counter({
    name: 'dynamo_webhook_events_total',
    help: 'Events of webhooks that were stored, by kind',
    labelNames: ['kind'],
    registers,
  })
  const droppedEvents = new Counter({
    name: 'dynamo_webhook_events_dropped_total',
    help: 'Events of webhooks that change nothing, by reason',
    labelNames: ['reason'],
    registers,
  })
  new Gauge({
    name: 'dynamo_webhook_oldest_seconds',
    help: 'How long the oldest event of a webhook has waited to be worked off; 0: none waits',
    registers,
    async collect() {
      this.set(await figure(oldestEventSeconds(store)))
    },
  })
  const exports = new Histogram({
    name: 'dynamo_export_seconds',
    help: 'Time that an export took, by outcome; `refused`: there is no such list, too many ran, or the client hung up',
    labelNames: ['outcome'],
    buckets: EXPORT_SECONDS,
    registers,
  })
  // an alert on an increase sees the first one only where there was a 0 before
  exports.zero({ outcome: 'failed' })
  droppedEvents.inc({ reason: 'given up' }, 0)
  const graphCalls = new Counter({
    name: 'dynamo_graph_calls_total',
    help: 'Calls to the Graph API, by code: ok, or the error; `other`: one that is not told apart',
    labelNames: ['code'],
    registers,
  })
  new Gauge({
    name: 'dynamo_profile_reads_waiting',
    help: `Profiles that are to be read from the Graph API; at most ${MAX_COUNTED} are counted`,
    registers,
    async collect() {
      this.set(await figure(countWaitingReads(store)))
    },
  })
  new Gauge({
    name: 'dynamo_refused_access_tokens',
    help: 'Channels whose access token the Graph API refuses, or which lacks a permission; each is to be set anew',
    registers,
    async collect() {
      this.set(await figure(countRefusedTokens(store)))
    },
  })
  const listReads = lists.labels(store.name)
  new Gauge({
    name: 'dynamo_write_queue',
    help: 'Writes that wait or run',
    registers,
    collect() {
      this.set(store.writeDepth())
    },
  })
  let hasProcessMetrics = false
  let rendering: Promise<string> | undefined

  return {
    countRequest: (route, method, status, seconds) =>
      requests.observe({ route, method, status: STATUS_CLASSES[Math.floor(status / 100)] ?? '0xx' }, seconds),
    countSigningFault: (reason) => faults.inc({ reason }),
    countListRead: (seconds) => listReads.observe(seconds),
    countRejectedBirthdays: (count) => rejectedBirthdays.inc(count),
    countErasedFacts: (count) => erasedFacts.inc(count),
    async timeExport(make) {
      const end = exports.startTimer()
      try {
        const made = await make()
        end({ outcome: 'stored' })
        return made
      } catch (error) {
        end({ outcome: error instanceof ApiError && error.statusCode !== 500 ? 'refused' : 'failed' })
        throw error
      }
    },
    countEvents: (kind, count) => events.inc({ kind }, count),
    countDroppedEvents: (reason, count) => {
      if (count > 0) droppedEvents.inc({ reason }, count)
    },
    countGraphCall: (code) => graphCalls.inc({ code: GRAPH_CODES.has(code) ? code : 'other' }),
    text() {
      // its observers of the garbage collector and the event loop cost nothing until somebody asks
      if (!hasProcessMetrics) collectDefaultMetrics({ register: registry })
      hasProcessMetrics = true
      // many who ask at once are shown the same figures
      rendering ??= registry.metrics().finally(() => {
        rendering = undefined
      })
      return rendering
    },
  }
}

/** The other figures are told also where the store does not answer. */
function figure(read: Promise<number>): Promise<number> {
  return read.catch(() => Number.NaN)
}

async function oldestEventSeconds({ db }: Pick<Store, 'db'>): Promise<number> {
  // of each organization by its index: many may wait
  const { rows } = await sql<{ timestamp: number | null }>`
    /* webhook-events.oldest-received */
    select min((select min(e.received_timestamp) from webhook_events e where e.org_id = o.org_id)) as timestamp
    from organizations o`.execute(db)
  const [oldest] = rows
  return oldest?.timestamp ? Math.max(0, Date.now() - oldest.timestamp) / 1_000 : 0
}

/**
 * The Graph API's own numbers that an operator can do something about, and our words; the platform may invent others at
 * any time, and each would be a series of its own.
 */
const GRAPH_CODES = new Set([
  ...'1 2 3 4 10 17 32 100 102 190 200 230 368 551 613 80001 80002 80006'.split(' '),
  ...['ok', 'network', 'timeout', 'redirect', 'too large', 'malformed', 'http 429', 'http 4xx', 'http 5xx'],
])
/** So many rows of an index are read in no time. */
const MAX_COUNTED = 10_000

async function countWaitingReads({ db }: Pick<Store, 'db'>): Promise<number> {
  const rows = db.selectFrom('profile_reads as r').select('r.org_id').limit(MAX_COUNTED).as('r')
  const counted = await db
    .selectFrom(rows)
    .select(({ fn }) => fn.countAll<number>().as('reads'))
    .executeTakeFirstOrThrow()
  return Number(counted.reads)
}

async function countRefusedTokens({ db }: Pick<Store, 'db'>): Promise<number> {
  const counted = await db
    .selectFrom('channels as c')
    .select(({ fn }) => fn.countAll<number>().as('channels'))
    .where('c.access_token_refused_timestamp', 'is not', null)
    .executeTakeFirstOrThrow()
  return Number(counted.channels)
}

/** `GET /metrics`: for this machine, or for who has the token. */
export function metricsRoute(app: FastifyInstance, metrics: Metrics, token: string | null): void {
  app.get(
    '/metrics',
    { config: { operation: async () => (await import('./service-operations.ts')).metricsOperation } },
    async (request, reply) => {
      if (!isLocal(request) && !hasToken(request, token)) throw errors.metricsForbidden()
      reply.header('cache-control', 'no-store').type('text/plain; version=0.0.4; charset=utf-8')
      return metrics.text()
    },
  )
}

const LOOPBACK = /^(?:(?:::ffff:)?127\.\d+\.\d+\.\d+|::1)$/

/** The host of who asks this machine itself: its loopback names, with any port. */
const LOCAL_HOST = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?$/i

/**
 * Behind a proxy on this machine every caller comes from the loopback, so what was forwarded, or asked for under
 * another name, is not local.
 */
function isLocal({ headers, socket }: FastifyRequest): boolean {
  const isForwarded = Object.keys(headers).some((name) => /^(?:x-)?forwarded|^x-real-ip$|^via$/.test(name))
  return !isForwarded && LOCAL_HOST.test(headers.host ?? '') && LOOPBACK.test(socket.remoteAddress ?? '')
}

function hasToken(request: FastifyRequest, token: string | null): boolean {
  const given = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1]
  return token !== null && given !== undefined && isSameSecret(given, token)
}
