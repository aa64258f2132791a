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
  /** those whose people's profiles can be read */
  profileChannelKeys: ReadonlySet<number>
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
  channel_key: number | null
  since_generation: number | null
  /** a boolean as the store has it */
  reads_profiles: number | boolean
}

/** The organization's targets, served generations first. The caller shares the rules until its commit. */
export async function readTargets(tx: Tx, orgId: number): Promise<Target[]> {
  const { rows } = await sql<TargetRow>`
    /* targets.read */
    select w.workspace_key, w.vip_indicator, w.generation, w.building_generation, w.building_vip_indicator,
      w.building_user_key, c.channel_key, c.since_generation, h.access_token_ciphertext is not null as reads_profiles
    from workspaces w
      left join workspace_channels c on c.org_id = w.org_id and c.workspace_key = w.workspace_key
      left join channels h on h.org_id = c.org_id and h.channel_key = c.channel_key
    where w.org_id = ${orgId} and w.type = 'VIP'
    order by w.workspace_key`.execute(tx.db)
  return [...Map.groupBy(rows, (row) => row.workspace_key).values()].flatMap(targetsOf)
}

/** @param rows one workspace's, each with one of its channels; one without where it has none */
function targetsOf(rows: TargetRow[]): Target[] {
  const [row] = rows
  if (!row) return []
  const profileChannelKeys = new Set(rows.flatMap((own) => (own.reads_profiles ? (own.channel_key ?? []) : [])))
  const target = (generation: number, indicator: string | null, builtUserKey: number | null): Target => ({
    workspaceKey: row.workspace_key,
    generation,
    rule: indicator === null ? null : compiled(indicator),
    channelKeys: new Set(
      rows.flatMap(({ channel_key, since_generation }) =>
        channel_key !== null && since_generation !== null && since_generation <= generation ? channel_key : [],
      ),
    ),
    profileChannelKeys,
    builtUserKey,
  })
  const served = target(row.generation, row.vip_indicator, null)
  if (row.building_generation === null) return [served]
  return [served, target(row.building_generation, row.building_vip_indicator, row.building_user_key)]
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
