import type { Kysely } from 'kysely'
import { type Gate, gateOf, type ListQuestion, type NoList } from '../database/list-reader.ts'
import type { Schema } from '../database/schema.ts'

/** The list as it is now, or in a snapshot. */
export async function readGate(
  db: Kysely<Schema>,
  question: Pick<ListQuestion, 'orgId' | 'workspaceId' | 'mediumId'>,
): Promise<Gate | NoList> {
  const row = await db
    .selectFrom('workspaces as w')
    .leftJoin('channels as c', (join) =>
      join.onRef('c.org_id', '=', 'w.org_id').on('c.medium_id', '=', question.mediumId),
    )
    .leftJoin('workspace_channels as l', (join) =>
      join
        .onRef('l.org_id', '=', 'w.org_id')
        .onRef('l.workspace_key', '=', 'w.workspace_key')
        .onRef('l.channel_key', '=', 'c.channel_key'),
    )
    .select(['w.workspace_key', 'w.type', 'w.generation', 'c.channel_key', 'l.version', 'l.since_generation'])
    .where('w.org_id', '=', question.orgId)
    .where('w.workspace_id', '=', question.workspaceId)
    .executeTakeFirst()
  return gateOf(row)
}
