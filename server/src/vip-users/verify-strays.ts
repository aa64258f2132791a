import { sql } from 'kysely'
import { streamRows } from '../database/stream.ts'
import type { Tx } from '../database/write.ts'
import type { Difference } from './verify.ts'

/** What belongs to a list, or, without a channel, to all of a workspace's. */
const OF_LISTS: [table: string, channelKey: string][] = [
  ['vip_users', 't.channel_key'],
  ['vip_user_ranges', 't.channel_key'],
  ['vip_marks', 'cast(null as bigint)'],
]

interface Strays {
  workspace_key: number
  channel_key: number | null
  generation: number
  strays: number
  /** the last generation that was begun; null where there is no such VIP workspace */
  latest: number | null
}

/**
 * Reports rows that no list will ever show and that `deleteStale` never takes away: of no VIP workspace, of no channel, or of
 * a generation that was never begun. What older and superseded generations and disconnected channels have left is none of
 * them.
 */
export async function verifyStrays(tx: Tx, orgId: number, differences: Difference[]): Promise<void> {
  for (const [table, channelKey] of OF_LISTS) {
    const query = sql<Strays>`
      select g.workspace_key, g.channel_key, g.generation, g.strays,
        coalesce(w.building_generation, w.generation) as latest
      from (
        select t.workspace_key, ${sql.raw(channelKey)} as channel_key, t.generation, count(*) as strays
        from ${sql.table(table)} t
        where t.org_id = ${orgId}
        group by 1, 2, 3) g
        left join workspaces w on w.org_id = ${orgId} and w.workspace_key = g.workspace_key and w.type = 'VIP'
        left join channels c on c.org_id = ${orgId} and c.channel_key = g.channel_key
      where w.workspace_key is null
        or g.generation > coalesce(w.building_generation, w.generation)
        or (g.channel_key is not null and c.channel_key is null)
      order by g.workspace_key, g.channel_key, g.generation`
    for await (const found of streamRows(tx.db, 'verify_strays', query)) {
      const { workspace_key, channel_key, generation, strays } = found
      differences.push({
        where: `workspace ${workspace_key}${channel_key === null ? '' : `, channel ${channel_key}`}, generation ${generation}`,
        message: `has ${strays} ${table.replaceAll('_', ' ')}, but ${reasonOf(found)}`,
      })
    }
  }
}

function reasonOf({ generation, latest }: Strays): string {
  if (latest === null) return 'there is no such VIP workspace'
  return generation > latest ? `generation ${latest} is the latest` : 'there is no such channel'
}
