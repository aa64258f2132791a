import type { Kysely } from 'kysely'
import type { Schema } from '../database/schema.ts'

/** The organization's workspaces, ordered by name, then id, as bytes. */
export function selectWorkspaces(db: Kysely<Schema>, orgId: number) {
  return db
    .selectFrom('workspaces as w')
    .select(['w.workspace_id', 'w.name', 'w.type', 'w.vip_indicator'])
    .select(['w.building_generation', 'w.building_vip_indicator'])
    .where('w.org_id', '=', orgId)
    .orderBy('w.name')
    .orderBy('w.workspace_id')
    .execute()
}

/** @returns the workspace's key in the store, or undefined where the organization has none of this id */
export async function selectWorkspaceKey(
  db: Kysely<Schema>,
  orgId: number,
  workspaceId: string,
): Promise<number | undefined> {
  const row = await db
    .selectFrom('workspaces as w')
    .select('w.workspace_key')
    .where('w.org_id', '=', orgId)
    .where('w.workspace_id', '=', workspaceId)
    .executeTakeFirst()
  return row?.workspace_key
}
