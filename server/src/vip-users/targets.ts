import { sql } from 'kysely'
import type { Tx } from '../database/write.ts'
import { compileVipIndicator, type VipRule } from '../workspaces/vip-indicator.ts'

/** A generation of marks and list rows that a write keeps right: the served one, and the one that is being made. */
export interface Target {
  workspaceKey: number
  generation: number
  /** null where the workspace has no rule: then nobody is VIP */
  rule: VipRule | null
  channelKeys: ReadonlySet<number>
  /** users up to this key are in; null: everybody is */
  builtUserKey: number | null
}

interface TargetRow {
  workspace_key: number
  vip_indicator: string | null
  generation: number
  building_generation: number | null
  building_vip_indicator: string | null
  building_user_key: number | null
}

/** The organization's targets, served generations first. The caller shares the rules until its commit. */
export async function readTargets(tx: Tx, orgId: number): Promise<Target[]> {
  const { rows } = await sql<TargetRow>`
    /* targets.workspaces */
    select w.workspace_key, w.vip_indicator, w.generation, w.building_generation, w.building_vip_indicator,
      w.building_user_key
    from workspaces w
    where w.org_id = ${orgId} and w.type = 'VIP'
    order by w.workspace_key`.execute(tx.db)
  if (rows.length === 0) return []
  const channels = await sql<{ workspace_key: number; channel_key: number; since_generation: number }>`
    /* targets.channels */
    select c.workspace_key, c.channel_key, c.since_generation
    from workspace_channels c
    where c.org_id = ${orgId}`.execute(tx.db)
  const target = (
    workspaceKey: number,
    generation: number,
    indicator: string | null,
    builtUserKey: number | null = null,
  ): Target => ({
    workspaceKey,
    generation,
    rule: indicator === null ? null : compiled(indicator),
    channelKeys: new Set(
      channels.rows
        .filter((row) => row.workspace_key === workspaceKey && row.since_generation <= generation)
        .map((row) => row.channel_key),
    ),
    builtUserKey,
  })
  return rows.flatMap((row) => {
    const served = target(row.workspace_key, row.generation, row.vip_indicator)
    if (row.building_generation === null) return [served]
    return [
      served,
      target(row.workspace_key, row.building_generation, row.building_vip_indicator, row.building_user_key),
    ]
  })
}

/** Rules by their text: the same text always compiles to the same rule. */
const rules = new Map<string, VipRule>()
const MAX_REMEMBERED_RULES = 1_000

function compiled(source: string): VipRule {
  const known = rules.get(source)
  if (known) return known
  if (rules.size >= MAX_REMEMBERED_RULES) rules.clear()
  const rule = compileVipIndicator(source)
  rules.set(source, rule)
  return rule
}
