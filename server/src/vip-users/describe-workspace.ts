import type { Kysely } from 'kysely'
import type { Schema } from '../database/schema.ts'
import { totalOf } from './rank.ts'

export interface WorkspaceDescription {
  id: string
  name: string
  type: 'VIP' | 'STANDARD'
  /** what was set last, as `GET /workspaces` has it */
  vipIndicator: string | null
  vipIndicatorInProcess: boolean
  /** how far the marking by that rule is; null while none is under way */
  progress: { users: number; usersInAll: number; servedVipIndicator: string | null } | null
  /** `total`: rows of the list that is served; null where none is yet */
  channels: { id: string; name: string; type: string; total: number | null }[]
}

/** What a workspace is, and how its lists stand. @param db a snapshot */
export async function describeWorkspace(
  db: Kysely<Schema>,
  { orgId, workspaceKey }: { orgId: number; workspaceKey: number },
): Promise<WorkspaceDescription> {
  const workspace = await db
    .selectFrom('workspaces as w')
    .selectAll()
    .where('w.org_id', '=', orgId)
    .where('w.workspace_key', '=', workspaceKey)
    .executeTakeFirstOrThrow()
  const { generation, building_generation, building_user_key, vip_indicator } = workspace
  const isBuilding = building_generation !== null
  const progress = isBuilding && {
    users: await countUsers(db, orgId, building_user_key ?? 0),
    usersInAll: await countUsers(db, orgId),
    servedVipIndicator: vip_indicator,
  }
  return {
    id: workspace.workspace_id,
    name: workspace.name,
    type: workspace.type,
    vipIndicator: isBuilding ? workspace.building_vip_indicator : vip_indicator,
    vipIndicatorInProcess: isBuilding,
    progress: progress || null,
    channels: await describeChannels(db, orgId, { ...workspace, workspaceKey, generation }),
  }
}

/** @param upTo only users up to this key: those that a build has taken in */
async function countUsers(db: Kysely<Schema>, orgId: number, upTo = Number.MAX_SAFE_INTEGER): Promise<number> {
  const { users } = await db
    .selectFrom('users as u')
    .select((select) => select.fn.countAll<number>().as('users'))
    .where('u.org_id', '=', orgId)
    .where('u.user_key', '<=', upTo)
    .executeTakeFirstOrThrow()
  return Number(users)
}

async function describeChannels(
  db: Kysely<Schema>,
  orgId: number,
  { type, workspaceKey, generation }: { type: string; workspaceKey: number; generation: number },
): Promise<WorkspaceDescription['channels']> {
  const rows = await db
    .selectFrom('workspace_channels as l')
    .innerJoin('channels as c', (join) =>
      join.onRef('c.org_id', '=', 'l.org_id').onRef('c.channel_key', '=', 'l.channel_key'),
    )
    .select(['c.channel_key', 'c.medium_id', 'c.name', 'c.type', 'l.since_generation'])
    .where('l.org_id', '=', orgId)
    .where('l.workspace_key', '=', workspaceKey)
    .orderBy('c.name')
    .orderBy('c.medium_id')
    .execute()
  const channels: WorkspaceDescription['channels'] = []
  for (const row of rows) {
    const hasList = type === 'VIP' && row.since_generation <= generation
    const list = { workspaceKey, channelKey: row.channel_key, generation }
    const total = hasList ? await totalOf(db, orgId, list) : null
    channels.push({ id: row.medium_id, name: row.name, type: row.type, total })
  }
  return channels
}
