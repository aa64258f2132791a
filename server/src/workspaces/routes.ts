import type { FastifyInstance } from 'fastify'
import type { Static } from 'typebox'
import type { Store } from '../database/store.ts'
import type { Workspace } from './operation.ts'
import { selectWorkspaces } from './store.ts'

/** What the reference says of the route; loaded when somebody reads it. */
const loadOperation = async () => (await import('./operation.ts')).operation

/** `GET /workspaces` */
export function workspaceRoutes(app: FastifyInstance, { db }: Pick<Store, 'db'>): void {
  app.get('/workspaces', { config: { operation: loadOperation } }, async ({ caller }) => {
    const rows = await selectWorkspaces(db, caller.orgId)
    return rows.map((row): Static<typeof Workspace> => {
      const isBuilding = row.building_generation !== null
      return {
        id: row.workspace_id,
        name: row.name,
        type: row.type,
        // what was set last, also while the marking by the rule before it is still served
        vipIndicator: isBuilding ? row.building_vip_indicator : row.vip_indicator,
        vipIndicatorInProcess: isBuilding,
      }
    })
  })
}
