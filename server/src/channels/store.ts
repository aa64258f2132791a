import type { Kysely } from 'kysely'
import type { Schema } from '../database/schema.ts'

/**
 * The organization's channels, ordered by name, then id, as bytes.
 *
 * @param workspaceKey  only those that are connected to this workspace; null: all
 */
export function selectChannels(db: Kysely<Schema>, orgId: number, workspaceKey: number | null) {
  const channels = db
    .selectFrom('channels as c')
    .select(['c.medium_id', 'c.type', 'c.name'])
    .where('c.org_id', '=', orgId)
    .orderBy('c.name')
    .orderBy('c.medium_id')
  if (workspaceKey === null) return channels.execute()
  return channels
    .innerJoin('workspace_channels as l', (join) =>
      join.onRef('l.org_id', '=', 'c.org_id').onRef('l.channel_key', '=', 'c.channel_key'),
    )
    .where('l.org_id', '=', orgId)
    .where('l.workspace_key', '=', workspaceKey)
    .execute()
}
