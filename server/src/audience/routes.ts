import { randomBytes } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type BaseJoi from 'joi'
import type { Store } from '../database/store.ts'
import type { Metrics } from '../http/metrics.ts'
import type { Idempotency } from '../idempotency/idempotent.ts'
import { placeFaults } from './place-faults.ts'
import { createPlainReaders, type PlainReader } from './plain.ts'
import { readItems } from './read-items.ts'
import type { UserReport } from './record-users.ts'
import { createSchemas, type OneOrBatch } from './schemas.ts'

/** Whose report it is, and what a repeat of it is known by. */
interface Reporter {
  orgId: number
  idempotency: Idempotency | null
}

type Operations = typeof import('./operation.ts').operations

/** What the reference says of a route; loaded when somebody reads it. */
const load = (name: keyof Operations) => async () => (await import('./operation.ts')).operations[name]

/** The writes of the Audience API: what the customer's back end reports. */
export function reportRoutes(app: FastifyInstance, store: Store, metrics: Metrics, now: () => number): void {
  const schemas = createSchemas(now)
  const plain = createPlainReaders(now)

  async function recordUsers(by: Reporter, users: UserReport[]): Promise<void> {
    const { outcomes, rejectedBirthdays } = await store.write('recordUsers', { ...by, users })
    metrics.countRejectedBirthdays(rejectedBirthdays)
    metrics.countErasedFacts(outcomes.filter((outcome) => outcome === 'erased').length)
  }

  /** A write of one item or a batch, answered 200 with an empty body. */
  function report<Item extends object>(
    name: keyof Operations,
    schema: BaseJoi.AnySchema<OneOrBatch<Item>>,
    readPlain: PlainReader<Item>,
    write: (by: Reporter, items: Item[], arrivedTimestamp: number) => Promise<unknown>,
  ): void {
    app.post(`/${name}`, { config: { operation: load(name) } }, async (request, reply) => {
      const { items, isBatch } = await readItems(schema, readPlain, request.body)
      const by = { orgId: request.caller.orgId, idempotency: request.idempotency }
      await placeFaults(isBatch, () => write(by, items, now()))
      return reply.send()
    })
  }

  report('identify', schemas.identify, plain.identify, async (by, items, arrivedTimestamp) => {
    const identifications = items.map(({ d10xLinkId, userId, timestamp = arrivedTimestamp }) => ({
      linkId: d10xLinkId,
      cuid: userId,
      eventTimestamp: timestamp,
    }))
    metrics.countErasedFacts(await store.write('identify', { ...by, identifications }))
  })

  report('activity', schemas.activity, plain.activity, (by, items, arrivedTimestamp) => {
    const users = items.map(({ userId, timestamp = arrivedTimestamp }) => ({
      cuid: userId,
      properties: [],
      lastAppOpenTimestamp: timestamp,
      eventTimestamp: timestamp,
    }))
    return recordUsers(by, users)
  })

  report('properties', schemas.properties, plain.properties, (by, items, arrivedTimestamp) => {
    const users = items.map(({ userId, properties, timestamp = arrivedTimestamp }) => ({
      cuid: userId,
      properties: properties.map(({ key, value = null }) => ({ key, value })),
      lastAppOpenTimestamp: null,
      eventTimestamp: timestamp,
    }))
    return recordUsers(by, users)
  })

  report('purchase', schemas.purchase, plain.purchase, async (by, items, arrivedTimestamp) => {
    const purchases = items.map(({ userId, revenue, purchaseId = newPurchaseId(), timestamp = arrivedTimestamp }) => ({
      purchaseId,
      cuid: userId,
      revenueMicros: revenue,
      timestamp,
    }))
    metrics.countErasedFacts(await store.write('reportPurchases', { ...by, purchases }))
  })
}

/** For a purchase without one: it counts, and nothing can repeat it. */
function newPurchaseId(): string {
  return randomBytes(16).toString('hex')
}
