import '../src/http/request.ts'
import { readFileSync } from 'node:fs'
import { type FastifyInstance, fastify } from 'fastify'
import { pino } from 'pino'
import { buildApp } from '../src/app.ts'
import { loadConfig } from '../src/config.ts'
import { createAuthenticate } from '../src/http/authenticate.ts'
import { createCallers } from '../src/http/callers.ts'
import { createMetrics } from '../src/http/metrics.ts'
import { parseQuery } from '../src/http/query.ts'
import { createLog, logRequest } from '../src/http/request-log.ts'
import { skewBounds } from '../src/http/signing.ts'
import { monthsOf, readFilter } from '../src/vip-users/filter.ts'
import { pageBody, requireList } from '../src/vip-users/list.ts'
import { createSettledReader } from '../src/vip-users/read-settled.ts'
import { openFrom } from './bench-stores.ts'
import { tellBenchmark } from './servers.ts'

// The product put together stage by stage, each on top of the one before: what a stage costs is the difference. Run
// with the name of the last stage and the file with a page's bytes, and with the environment that names the store.

export const STAGES = ['framework', 'signature', 'validation', 'gate and page', 'metrics', 'log', 'product'] as const
export type Stage = (typeof STAGES)[number]

if (import.meta.main) {
  const app = await build(process.argv[2] as Stage, readFileSync(process.argv[3] ?? ''))
  await app.listen({ host: '127.0.0.1', port: 0 })
  tellBenchmark(app.server)
}

async function build(last: Stage, body: Buffer): Promise<FastifyInstance> {
  const has = (stage: Stage) => STAGES.indexOf(stage) <= STAGES.indexOf(last)
  const env = process.env as Record<string, string>
  const config = loadConfig(env)
  const { store, secrets } = await openFrom(env)
  const log = createLog('info', pino.destination({ dest: '/dev/null', sync: false }))
  if (has('product')) return buildApp({ store, config, secrets, now: Date.now, log })

  const metrics = createMetrics(store)
  const readSettled = createSettledReader(store)
  const querystringParser = parseQuery as (text: string) => Record<string, string | string[]>
  const app = fastify({ logger: false, ...(has('validation') ? { routerOptions: { querystringParser } } : {}) })
  app.decorateRequest('caller')
  app.decorateRequest('startMs', 0)
  app.decorateRequest('trace', null)
  app.decorateRequest('failure', null)
  if (has('signature')) {
    const callers = createCallers(store.db, secrets)
    const bounds = skewBounds(config.signature)
    app.addHook('onRequest', createAuthenticate({ callers, bounds, metrics, now: Date.now, scope: 'read' }))
  }
  if (has('metrics')) {
    app.addHook('onSend', (request, reply, _payload, done) => {
      metrics.countRequest('/vip-users', request.method, reply.statusCode, 0.001)
      if (has('log')) logRequest(log, request, reply, '/vip-users', 1)
      done()
    })
  }
  app.get('/vip-users', (request, reply) => {
    reply.header('content-type', 'application/json; charset=utf-8')
    if (!has('validation')) return reply.send(body)
    const filter = readFilter(request.url, request.query)
    if (!has('gate and page')) return reply.send(body)
    const question = { ...filter, orgId: request.caller.orgId, months: monthsOf(filter) }
    const answer = readSettled(question, Date.now())
    if (!(answer instanceof Promise)) return reply.send(pageBody(requireList(answer), question))
    return answer.then((late) => reply.send(pageBody(requireList(late), question)))
  })
  return app
}
