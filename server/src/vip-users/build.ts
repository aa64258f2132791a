import { type RawBuilder, sql } from 'kysely'
import { deleteFirst } from '../database/delete-first.ts'
import type { ColumnType } from '../database/rows.ts'
import { shareRules, takeRules } from '../database/rules-lock.ts'
import type { Schema } from '../database/schema.ts'
import type { Tx } from '../database/write.ts'
import { createFirstRange } from './ranges.ts'

/** How many rows of an old generation one transaction deletes: a few ms, so that no write waits long. */
const STALE_ROWS = 2_000

/**
 * Begins a new generation of a VIP workspace's marks, list rows and ranges beside the served one. Whatever makes a
 * list anew goes this way; a build that was under way is superseded. The caller holds the rules.
 *
 * @param vipIndicator the rule of the new generation
 */
export async function startBuild(
  tx: Tx,
  orgId: number,
  workspaceKey: number,
  vipIndicator: string | null,
): Promise<void> {
  const workspace = await tx.db
    .selectFrom('workspaces as w')
    .select(['w.generation', 'w.building_generation'])
    .where('w.org_id', '=', orgId)
    .where('w.workspace_key', '=', workspaceKey)
    .executeTakeFirstOrThrow()
  const generation = nextGeneration(workspace)
  await tx.db
    .updateTable('workspaces')
    .set({ building_generation: generation, building_vip_indicator: vipIndicator, building_user_key: 0 })
    .where('org_id', '=', orgId)
    .where('workspace_key', '=', workspaceKey)
    .execute()
  const channels = await readChannelKeys(tx, orgId, workspaceKey)
  for (const channelKey of channels) await createFirstRange(tx, orgId, { workspaceKey, channelKey, generation })
}

/** The number that the next generation of a workspace has; none is used twice. */
export function nextGeneration(workspace: { generation: number; building_generation: number | null }): number {
  return Math.max(workspace.generation, workspace.building_generation ?? 0) + 1
}

async function readChannelKeys(tx: Tx, orgId: number, workspaceKey: number): Promise<number[]> {
  const rows = await tx.db
    .selectFrom('workspace_channels as c')
    .select('c.channel_key')
    .where('c.org_id', '=', orgId)
    .where('c.workspace_key', '=', workspaceKey)
    .orderBy('c.channel_key')
    .execute()
  return rows.map((row) => row.channel_key)
}

/**
 * Serves the generation that was made, in place of the old one, all at once.
 *
 * @returns false where it is not complete, or another has superseded it
 */
export async function finishBuild(
  tx: Tx,
  { orgId, workspaceKey, generation }: { orgId: number; workspaceKey: number; generation: number },
): Promise<boolean> {
  await takeRules(tx, orgId)
  const { rows } = await sql<{ left_over: number }>`
    select case when exists (
      select 1 from users u where u.org_id = ${orgId} and u.user_key > w.building_user_key) then 1 else 0 end as left_over
    from workspaces w
    where w.org_id = ${orgId} and w.workspace_key = ${workspaceKey} and w.building_generation = ${generation}
  `.execute(tx.db)
  if (rows[0]?.left_over !== 0) return false
  await sql`
    update workspaces set generation = building_generation, vip_indicator = building_vip_indicator,
      building_generation = null, building_vip_indicator = null, building_user_key = null
    where org_id = ${orgId} and workspace_key = ${workspaceKey}`.execute(tx.db)
  await sql`
    update workspace_channels set version = version + 1
    where org_id = ${orgId} and workspace_key = ${workspaceKey}`.execute(tx.db)
  return true
}

/**
 * Deletes a bounded part of what no list shows any more: rows of generations older than the served one, and of
 * channels that are not connected.
 *
 * @returns whether something was deleted, and more may be left
 */
export async function deleteStale(tx: Tx, { orgId }: { orgId: number }): Promise<boolean> {
  // a channel that is connected again meanwhile has rows of its own
  await shareRules(tx, orgId)
  const lists = await sql<{ workspace_key: number; channel_key: number; generation: number; below: number }>`
    select w.workspace_key, c.channel_key, w.generation,
      case when l.channel_key is null then ${Number.MAX_SAFE_INTEGER} else w.generation end as below
    from workspaces w
      join channels c on c.org_id = w.org_id
      left join workspace_channels l on l.org_id = w.org_id and l.workspace_key = w.workspace_key
        and l.channel_key = c.channel_key
    where w.org_id = ${orgId} and w.type = 'VIP'`.execute(tx.db)
  let deleted = 0
  const remove = async (table: keyof Schema, key: Record<string, ColumnType>, where: RawBuilder<unknown>) => {
    deleted += await deleteFirst(tx.db, table, { where, key, limit: STALE_ROWS })
  }
  for (const { workspace_key, channel_key, below } of lists.rows) {
    const ofList = sql`org_id = ${orgId} and workspace_key = ${workspace_key} and channel_key = ${channel_key}
      and generation < ${below}`
    await remove('vip_users', ROW_KEY, ofList)
    await remove('vip_user_ranges', RANGE_KEY, ofList)
    if (deleted >= STALE_ROWS) return true
  }
  const served = new Map(lists.rows.map((row) => [row.workspace_key, row.generation]))
  for (const [workspaceKey, generation] of served) {
    const stale = sql`org_id = ${orgId} and workspace_key = ${workspaceKey} and generation < ${generation}`
    await remove('vip_marks', { generation: 'bigint', user_key: 'bigint' }, stale)
  }
  return deleted > 0
}

const ROW_KEY = { generation: 'bigint', negated_ltv_micros: 'bigint', conversation_id: 'text' } as const
const RANGE_KEY = { generation: 'bigint', first_negated_ltv_micros: 'bigint', first_conversation_id: 'text' } as const
