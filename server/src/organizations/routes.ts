import type { FastifyInstance } from 'fastify'
import type { Static } from 'typebox'
import { appliedLimit } from './filter.ts'
import type { Organization } from './operation.ts'

/** What the reference says of the route; loaded when somebody reads it. */
const loadOperation = async () => (await import('./operation.ts')).operation

/** `GET /organizations`. A key reaches one organization, so that no limit is ever felt. */
export function organizationRoutes(app: FastifyInstance): void {
  app.get('/organizations', { config: { operation: loadOperation } }, ({ caller, query }, reply) => {
    const organization: Static<typeof Organization> = {
      id: caller.organizationId,
      name: caller.organizationName,
      role: 'ADMIN',
    }
    const { q, limit } = query as { q?: unknown; limit?: unknown }
    reply.header('x-limit-applied', appliedLimit(limit))
    const matches = typeof q !== 'string' || caller.organizationName.toLowerCase().includes(q.toLowerCase())
    reply.send(matches ? [organization] : [])
  })
}
