import type { FastifyInstance } from 'fastify'
import type { Static } from 'typebox'
import type { Store } from '../database/store.ts'
import { errors } from '../http/errors.ts'
import { validateInput } from '../http/input.ts'
import { selectWorkspaceKey } from '../workspaces/store.ts'
import { filterSchema } from './filter.ts'
import type { Channel } from './operation.ts'
import { selectChannels } from './store.ts'

/** What the reference says of the route; loaded when somebody reads it. */
const loadOperation = async () => (await import('./operation.ts')).operation

/** `GET /channels` */
export function channelRoutes(app: FastifyInstance, { db }: Pick<Store, 'db'>): void {
  app.get('/channels', { config: { operation: loadOperation } }, async (request) => {
    const { orgId } = request.caller
    const { workspaceId } = validateInput(filterSchema, request.query)
    let workspaceKey: number | null = null
    if (workspaceId !== undefined) {
      request.trace = { workspaceId }
      workspaceKey = (await selectWorkspaceKey(db, orgId, workspaceId)) ?? null
      if (workspaceKey === null) throw errors.unknownWorkspace()
    }
    const rows = await selectChannels(db, orgId, workspaceKey)
    return rows.map((row): Static<typeof Channel> => ({ id: row.medium_id, type: row.type, name: row.name }))
  })
}
