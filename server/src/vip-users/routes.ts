import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ListPage, ListQuestion } from '../database/list-reader.ts'
import type { Store } from '../database/store.ts'
import type { Metrics } from '../http/metrics.ts'
import { MAX_LIMIT, monthsOf, readFilter } from './filter.ts'
import type { Included } from './include.ts'
import { isNoneMatch, pageBody, requireList } from './list.ts'
import { dayIn } from './next-birthday.ts'
import { createSettledReader } from './read-settled.ts'

/** What the reference says of the route; loaded when somebody reads it. */
const loadOperation = async () => (await import('./operation.ts')).operation

/** `GET /vip-users` */
export function vipUserRoutes(app: FastifyInstance, store: Store, metrics: Metrics, now: () => number): void {
  const readSettled = createSettledReader(store)
  const etagStart = `"${store.id}-`

  function send(
    request: FastifyRequest,
    reply: FastifyReply,
    question: ListQuestion,
    page: ListPage,
    included?: Included,
  ): void {
    // what is told of birthdays is another thing tomorrow
    const etag = `${etagStart}${page.version}${included ? `-${included.today}` : ''}"`
    reply.headers({ etag, 'cache-control': 'private, no-cache', 'x-limit-applied': question.limit })
    const { workspaceId, mediumId } = question
    if (isNoneMatch(request.headers['if-none-match'], etag)) {
      request.trace = { workspaceId, mediumId, returned: 0 }
      reply.code(304).send()
      return
    }
    request.trace = { workspaceId, mediumId, returned: page.returned }
    reply.header('content-type', 'application/json; charset=utf-8').send(pageBody(page, question, included))
  }

  app.get('/vip-users', { config: { operation: loadOperation } }, (request, reply) => {
    const filter = readFilter(request.url, request.query)
    const { workspaceId, mediumId, offset, include } = filter
    const fields = include && new Set(include)
    const question: ListQuestion = {
      orgId: request.caller.orgId,
      workspaceId,
      mediumId,
      months: monthsOf(filter),
      limit: Math.min(filter.limit, MAX_LIMIT),
      offset,
      ...(fields && { withLtv: fields.has('ltv'), withRanks: fields.has('rank') }),
    }
    const included = fields && { fields, today: dayIn(filter.tz, now()), leapDay: filter.feb29 }
    const startMs = performance.now()
    const answer = readSettled(question, now())
    if (!(answer instanceof Promise)) {
      metrics.countListRead((performance.now() - startMs) / 1000)
      send(request, reply, question, requireList(answer), included)
      return
    }
    return answer.then((late) => {
      metrics.countListRead((performance.now() - startMs) / 1000)
      send(request, reply, question, requireList(late), included)
    })
  })
}
