import './http/request.ts'
import type { IncomingMessage } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import type { Logger } from 'pino'
import { linkRoutes } from './audience/link-routes.ts'
import { audienceReadRoutes } from './audience/read-routes.ts'
import { reportRoutes } from './audience/routes.ts'
import { channelRoutes } from './channels/routes.ts'
import type { Config } from './config.ts'
import type { Store } from './database/store.ts'
import { erasureRoutes } from './erasure/routes.ts'
import { createExportRoutes, fileRoutes } from './exports/routes.ts'
import { createExportStorage, type ExportStorage } from './exports/storage.ts'
import { createAuthenticate } from './http/authenticate.ts'
import { createCallers, type Scope } from './http/callers.ts'
import { createSocketRefusals } from './http/client-error.ts'
import { answerError, toApiError } from './http/error-handler.ts'
import { errors } from './http/errors.ts'
import { healthRoutes } from './http/health.ts'
import { readJsonBodies } from './http/json-body.ts'
import { createMetrics, type Metrics, metricsRoute } from './http/metrics.ts'
import { createOneAtATime } from './http/one-at-a-time.ts'
import { createOpenApi } from './http/openapi.ts'
import { parseQuery } from './http/query.ts'
import { isTooLarge } from './http/read-body.ts'
import { referenceRoutes } from './http/reference.ts'
import { refuseQuery } from './http/refuse-query.ts'
import { createRequestId } from './http/request-id.ts'
import { logRequest } from './http/request-log.ts'
import { createRouteTable, type RouteTable } from './http/route-table.ts'
import { serviceRoutes } from './http/service-routes.ts'
import { skewBounds } from './http/signing.ts'
import { createKeyReader } from './idempotency/read-key.ts'
import { organizationRoutes } from './organizations/routes.ts'
import type { Secrets } from './secrets.ts'
import { vipUserRoutes } from './vip-users/routes.ts'
import { webhookRoutes } from './webhooks/routes.ts'
import { workspaceRoutes } from './workspaces/routes.ts'

export interface AppOptions {
  store: Store
  config: Config
  secrets: Secrets
  /** where exported files are; left out: where the settings say */
  storage?: ExportStorage
  /** epoch ms */
  now: () => number
  /** where a line for each request goes; without it none is written */
  log?: Logger
  timeouts?: Timeouts
  /** what is counted; one for each process that works on the store */
  metrics?: Metrics
  /** called when a webhook's events have been stored */
  onEvents?: () => void
  /** when it stops: how long requests over open connections are still answered, each connection then closed; ms */
  drainMs?: number
}

/** How long a client may take, in ms; each bounds what a slow one can hold. */
export interface Timeouts {
  /** from a connection's first byte to the end of the headers */
  headersMs: number
  /** to the end of the body: 4 MiB at 1 Mbit/s take 34 s */
  requestMs: number
  /** how often the two are looked at */
  checkMs: number
  /** without a byte in either direction */
  connectionMs: number
  /** between two requests: longer than the 60 s of common balancers, which must be the ones to close */
  keepAliveMs: number
}

const TIMEOUTS: Timeouts = {
  headersMs: 15_000,
  requestMs: 60_000,
  checkMs: 5000,
  connectionMs: 120_000,
  keepAliveMs: 72_000,
}
const MAX_HEADER_BYTES = 16 * 1024

/**
 * The service as an app without a port and without a process: whoever builds it listens or injects. It does not close
 * the store.
 */
export function buildApp(options: AppOptions): FastifyInstance {
  const { store, config, secrets, now, log, timeouts = TIMEOUTS, drainMs = 0 } = options
  const { metrics = createMetrics(store), storage = createExportStorage(config), onEvents = () => undefined } = options
  const stamp = createStamp(metrics, now, log)
  const requestId = createRequestId()
  const refuse = createSocketRefusals(now, requestId, log)
  const app = fastify({
    logger: false,
    connectionTimeout: timeouts.connectionMs,
    requestTimeout: timeouts.requestMs,
    keepAliveTimeout: timeouts.keepAliveMs,
    http: {
      headersTimeout: timeouts.headersMs,
      connectionsCheckingInterval: timeouts.checkMs,
      maxHeaderSize: MAX_HEADER_BYTES,
      // refused below, with a body
      requireHostHeader: false,
    },
    // what still comes over an open connection while the server stops is answered, and the connection closed
    return503OnClosing: false,
    genReqId: requestId,
    routerOptions: {
      ignoreTrailingSlash: true,
      // a longer id is refused by its schema
      maxParamLength: MAX_HEADER_BYTES,
      // Fastify's type knows no symbols; only `validateInput` reads the query
      querystringParser: parseQuery as (text: string) => Record<string, string | string[]>,
    },
    frameworkErrors: (error, request, reply) => {
      // without hooks, so that the stamp has to come before the answer
      stamp.onRequest(request)
      reply.statusCode = toApiError(error).statusCode
      stamp.onSend(request, reply)
      answerError(error, request, reply)
    },
    clientErrorHandler: refuse.clientError,
  })
  app.decorateRequest('caller')
  app.decorateRequest('startMs', 0)
  app.decorateRequest('idempotency', null)
  app.decorateRequest('trace', null)
  app.decorateRequest('failure', null)
  readJsonBodies(app)
  app.setErrorHandler(answerError)
  app.addHook('onRequest', (request, _reply, done) => {
    stamp.onRequest(request)
    done(hasItsHost(request.raw) ? undefined : errors.malformedRequest())
  })
  app.server.on('connect', refuse.connect)
  app.server.on('checkContinue', (request, response) => {
    // a client that is not told to send its body may send it all the same: what follows is no request (RFC 9110, 10.1.1)
    if (isTooLarge(request)) response.shouldKeepAlive = false
    else response.writeContinue()
    app.server.emit('request', request, response)
  })
  // an expectation other than 100-continue may be passed over (RFC 9110, section 10.1.1); Node's own 417 has no body
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response))
  app.addHook('onRequest', createOneAtATime())
  app.addHook('onSend', (request, reply, _payload, done) => {
    stamp.onSend(request, reply)
    done()
  })
  app.addHook('preClose', async () => {
    stamp.close()
    await pause(drainMs)
  })

  const openApi = createOpenApi(app, config)
  const table = createRouteTable()
  app.addHook('onRoute', ({ url, method }) => table.add(url, method))
  app.register(async (scope) => answerUnrouted(scope, table))

  const callers = createCallers(store.db, secrets)
  const bounds = skewBounds(config.signature)
  const authenticate = (scope: Scope) => createAuthenticate({ callers, bounds, metrics, now, scope })
  const exportRoutes = createExportRoutes({ store, storage, secrets, metrics, publicUrl: config.publicUrl })
  for (const prefix of ['', '/externalApi/v1']) {
    app.register(
      async (scope) => {
        scope.addHook('onRequest', authenticate('read'))
        vipUserRoutes(scope, store, metrics, now)
        exportRoutes(scope)
        organizationRoutes(scope)
        workspaceRoutes(scope, store)
        channelRoutes(scope, store)
      },
      { prefix },
    )
  }
  const readKey = createKeyReader(secrets)
  app.register(
    async (scope) => {
      scope.addHook('onRequest', authenticate('report'))
      scope.addHook('preValidation', refuseQuery)
      scope.addHook('preHandler', readKey)
      reportRoutes(scope, store, metrics, now)
      linkRoutes(scope, store, now)
    },
    { prefix: '/v1.0/user' },
  )
  app.register(
    async (scope) => {
      scope.addHook('onRequest', authenticate('read'))
      audienceReadRoutes(scope, store)
    },
    { prefix: '/v1.0/user' },
  )
  app.register(
    async (scope) => {
      scope.addHook('onRequest', authenticate('erase'))
      scope.addHook('preValidation', refuseQuery)
      scope.addHook('preHandler', readKey)
      erasureRoutes(scope, { store, storage, dataDir: config.dataDir, now })
    },
    { prefix: '/v1.0/user' },
  )
  const { meta } = config
  if (meta) {
    app.register(async (scope) => webhookRoutes(scope, { store, secrets, metrics, meta, now, onEvents }))
  }
  app.register(async (scope) => {
    fileRoutes(scope, { store, storage, secrets, now })
    serviceRoutes(scope, config.publicUrl)
    healthRoutes(scope, store)
    metricsRoute(scope, metrics, config.metricsToken)
    referenceRoutes(scope, openApi, new URL(config.publicUrl).pathname.replace(/\/$/, ''))
  })
  return app
}

/** One `Host`, which HTTP/1.1 needs (RFC 9112, section 3.2): of two, proxy and server may each believe another. */
function hasItsHost({ rawHeaders, httpVersion }: IncomingMessage): boolean {
  let hosts = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]
    if (name?.length === HOST.length && name.toLowerCase() === HOST) hosts += 1
  }
  return hosts === 1 || (hosts === 0 && httpVersion !== '1.1')
}

const HOST = 'host'

/** No route: 404, a wrong method 405, `OPTIONS` 204; all before a body is read. */
function answerUnrouted(scope: FastifyInstance, table: RouteTable): void {
  scope.addHook('onRequest', (request, reply, done) => {
    const allow = table.allow(request.url)
    if (allow === null) done(errors.unknownRoute())
    else if (request.method !== 'OPTIONS') done(errors.methodNotAllowed(allow))
    else reply.code(204).header('allow', allow).send()
  })
  scope.setNotFoundHandler(() => {
    throw errors.unknownRoute()
  })
}

/** What every answer carries, and the line and the figures that it leaves behind. */
function createStamp(metrics: ReturnType<typeof createMetrics>, now: () => number, log: Logger | undefined) {
  let isClosing = false
  let serverTime = { ms: Number.NaN, text: '' }

  function serverTimeText(): string {
    const ms = now()
    if (ms !== serverTime.ms) serverTime = { ms, text: new Date(ms).toISOString() }
    return serverTime.text
  }

  return {
    close() {
      isClosing = true
    },
    onRequest(request: FastifyRequest): void {
      request.startMs = performance.now()
    },
    onSend(request: FastifyRequest, reply: FastifyReply): void {
      reply.header('x-server-time', serverTimeText())
      reply.header('x-request-id', request.id)
      reply.header('x-content-type-options', 'nosniff')
      if (isClosing) reply.header('connection', 'close')
      const route = request.routeOptions.url ?? 'none'
      const ms = performance.now() - request.startMs
      metrics.countRequest(route, request.method, reply.statusCode, ms / 1000)
      if (log) logRequest(log, request, reply, route, ms)
    },
  }
}
