import type { FastifyInstance } from 'fastify'
import type { Store } from '../database/store.ts'
import { validateInput } from '../http/input.ts'
import { refuseQuery } from '../http/refuse-query.ts'
import { listProperties } from '../users/list-properties.ts'
import { listIdentifiedUsers } from './identified-users.ts'
import { identifiedSchema, MAX_IDENTIFIED, propertiesOfSchema, toCursor } from './read-schemas.ts'

type Operations = typeof import('./read-operations.ts')

/** What the reference says of a route; loaded when somebody reads it. */
const load = (name: keyof Operations) => async () => (await import('./read-operations.ts'))[name]

/** `GET /identified` and `GET /properties/{userId}` */
export function audienceReadRoutes(app: FastifyInstance, { db }: Pick<Store, 'db'>): void {
  app.get('/identified', { config: { operation: load('listIdentified') } }, async ({ caller, query }, reply) => {
    const { limit: wanted, next: afterUserKey = 0 } = validateInput(identifiedSchema, query)
    const limit = Math.min(wanted, MAX_IDENTIFIED)
    const { users, nextUserKey } = await listIdentifiedUsers(db, { orgId: caller.orgId, afterUserKey, limit })
    reply.header('x-limit-applied', limit)
    return { users, next: nextUserKey === null ? null : toCursor(nextUserKey) }
  })

  app.get(
    '/properties/:userId',
    { config: { operation: load('listProperties') }, preValidation: refuseQuery },
    ({ caller, params }) => {
      const { userId: cuid } = validateInput(propertiesOfSchema, params)
      return listProperties(db, { orgId: caller.orgId, cuid })
    },
  )
}
