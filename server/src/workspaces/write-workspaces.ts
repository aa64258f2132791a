import { sql } from 'kysely'
import { newKey } from '../database/rows.ts'
import { takeRules } from '../database/rules-lock.ts'
import type { Tx } from '../database/write.ts'
import { errors } from '../http/errors.ts'
import { newId } from '../organizations/write-organizations.ts'
import { nextGeneration, startBuild } from '../vip-users/build.ts'

export interface NewWorkspace {
  orgId: number
  name: string
  type: 'VIP' | 'STANDARD'
  /** compiled by the caller: a rule that does not compile never comes here */
  vipIndicator: string | null
}

/** A VIP workspace begins with a build: its first list is served when every user has been judged. */
export async function createWorkspace(
  tx: Tx,
  { orgId, name, type, vipIndicator }: NewWorkspace,
): Promise<{ workspaceKey: number; workspaceId: string }> {
  await takeRules(tx, orgId)
  const workspaceId = newId()
  const { rows } = await sql<{ workspace_key: number }>`
    insert into workspaces (org_id, workspace_key, workspace_id, name, type, generation)
    select ${orgId}, ${newKey(tx.db, 'workspaces', 'workspace_key', orgId)}, ${workspaceId}, ${name}, ${type}, 0
    returning workspace_key`.execute(tx.db)
  const workspaceKey = rows[0]?.workspace_key ?? 0
  if (type === 'VIP') await startBuild(tx, orgId, workspaceKey, vipIndicator)
  return { workspaceKey, workspaceId }
}

/** Begins to mark everybody anew by another rule; the old list is served until that is done. */
export async function setVipIndicator(
  tx: Tx,
  { orgId, workspaceKey, vipIndicator }: { orgId: number; workspaceKey: number; vipIndicator: string | null },
): Promise<void> {
  await takeRules(tx, orgId)
  await startBuild(tx, orgId, workspaceKey, vipIndicator)
}

interface Connection {
  orgId: number
  workspaceKey: number
  channelKey: number
}

/**
 * Connects a channel to a workspace. On a VIP workspace its list is made by a build and shows when that is done.
 *
 * @returns false where it was connected already
 */
export async function connectChannel(tx: Tx, { orgId, workspaceKey, channelKey }: Connection): Promise<boolean> {
  await takeRules(tx, orgId)
  const workspace = await tx.db
    .selectFrom('workspaces as w')
    .select(['w.type', 'w.generation', 'w.building_generation', 'w.vip_indicator', 'w.building_vip_indicator'])
    .where('w.org_id', '=', orgId)
    .where('w.workspace_key', '=', workspaceKey)
    .executeTakeFirst()
  if (!workspace) throw errors.unknownWorkspace()
  const isVip = workspace.type === 'VIP'
  const { rows } = await sql`
    insert into workspace_channels (org_id, workspace_key, channel_key, since_generation, version)
    values (${orgId}, ${workspaceKey}, ${channelKey}, ${isVip ? nextGeneration(workspace) : 0}, ${tx.now * 1000})
    on conflict (org_id, workspace_key, channel_key) do nothing
    returning channel_key`.execute(tx.db)
  if (rows.length === 0) return false
  const isBuilding = workspace.building_generation !== null
  const rule = isBuilding ? workspace.building_vip_indicator : workspace.vip_indicator
  if (isVip) await startBuild(tx, orgId, workspaceKey, rule)
  return true
}

/** Takes a channel's list away at once. @returns false where it was not connected */
export async function disconnectChannel(tx: Tx, { orgId, workspaceKey, channelKey }: Connection): Promise<boolean> {
  await takeRules(tx, orgId)
  const { rows } = await sql`
    delete from workspace_channels
    where org_id = ${orgId} and workspace_key = ${workspaceKey} and channel_key = ${channelKey}
    returning channel_key`.execute(tx.db)
  return rows.length > 0
}
