import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ListPage, ListQuestion } from '../database/list-reader.ts'
import type { Store } from '../database/store.ts'
import { errors } from '../http/errors.ts'
import type { Metrics } from '../http/metrics.ts'
import { type ListFilter, MAX_LIMIT, monthsOf, readFilter } from './filter.ts'
import type { Included } from './include.ts'
import { isNoneMatch, pageBody, requireList } from './list.ts'
import { dayIn } from './next-birthday.ts'
import { ranksOf } from './page-ranks.ts'
import { createSettledReader } from './read-settled.ts'

/** Of a page with a filter the ranks are counted after it was read: anew where the list has moved on in between. */
const MAX_ATTEMPTS = 5

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

  /** The page with what each row is told with beside its ten fields. */
  async function sendIncluded(
    request: FastifyRequest,
    reply: FastifyReply,
    question: ListQuestion,
    { include = [], tz, feb29: leapDay }: Readonly<ListFilter>,
  ): Promise<FastifyReply> {
    const fields = new Set(include)
    const asked = { ...question, withLtv: fields.has('ltv') || (fields.has('rank') && question.months !== null) }
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const startMs = performance.now()
      const page = requireList(await readSettled(asked, now()))
      metrics.countListRead((performance.now() - startMs) / 1000)
      const ranks = fields.has('rank') ? await ranksOf(store.db, asked, page) : []
      // the list has moved on between the two
      if (!ranks) continue
      send(request, reply, asked, page, { fields, today: dayIn(tz, now()), leapDay, ranks })
      return reply
    }
    throw errors.storeBusy(new Error('The list moves on faster than ranks are counted'))
  }

  app.get('/vip-users', { config: { operation: loadOperation } }, (request, reply) => {
    const filter = readFilter(request.url, request.query)
    const { workspaceId, mediumId, offset } = filter
    const question: ListQuestion = {
      orgId: request.caller.orgId,
      workspaceId,
      mediumId,
      months: monthsOf(filter),
      limit: Math.min(filter.limit, MAX_LIMIT),
      offset,
    }
    if (filter.include) return sendIncluded(request, reply, question, filter)
    const startMs = performance.now()
    const answer = readSettled(question, now())
    if (!(answer instanceof Promise)) {
      metrics.countListRead((performance.now() - startMs) / 1000)
      send(request, reply, question, requireList(answer))
      return
    }
    return answer.then((late) => {
      metrics.countListRead((performance.now() - startMs) / 1000)
      send(request, reply, question, requireList(late))
    })
  })
}
