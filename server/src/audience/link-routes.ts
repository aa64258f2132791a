import type { FastifyInstance } from 'fastify'
import type { Store } from '../database/store.ts'
import { validateInput } from '../http/input.ts'
import { conversionSchema, newLinkSchema } from './link-schemas.ts'

type Operations = typeof import('./link-operations.ts')

/** What the reference says of a route; loaded when somebody reads it. */
const load = (name: keyof Operations) => async () => (await import('./link-operations.ts'))[name]

/** `POST /markConversion` and `POST /links` */
export function linkRoutes(app: FastifyInstance, store: Store, now: () => number): void {
  app.post(
    '/markConversion',
    { config: { operation: load('markConversion') } },
    async ({ caller, idempotency, body }) => {
      const { d10xLinkId: linkId, identifyUserWithD10xUserId } = validateInput(conversionSchema, body)
      const conversion = { orgId: caller.orgId, idempotency, linkId, identifyUserWithD10xUserId }
      return { userId: await store.write('markConversion', conversion) }
    },
  )

  app.post('/links', { config: { operation: load('createLink') } }, async ({ caller, idempotency, body }) => {
    const { userId: cuid } = validateInput(newLinkSchema, body)
    const link = { orgId: caller.orgId, idempotency, cuid, eventTimestamp: now() }
    return { d10xLinkId: await store.write('createUserLink', link) }
  })
}
