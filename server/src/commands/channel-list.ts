import { findOrganization } from './find.ts'
import { answer, type CommonOptions, printable } from './output.ts'
import { withStore } from './with-store.ts'

/** An organization's channels, oldest first, each with the workspaces that it is connected to. */
export async function run(options: CommonOptions & { organization: string }): Promise<void> {
  await withStore(async (store) => {
    const { orgId } = await findOrganization(store, options.organization)
    const rows = await store.db
      .selectFrom('channels as c')
      .leftJoin('workspace_channels as l', (join) =>
        join.onRef('l.org_id', '=', 'c.org_id').onRef('l.channel_key', '=', 'c.channel_key'),
      )
      .leftJoin('workspaces as w', (join) =>
        join.onRef('w.org_id', '=', 'l.org_id').onRef('w.workspace_key', '=', 'l.workspace_key'),
      )
      .select(['c.medium_id as id', 'c.type', 'c.name', 'w.workspace_id as workspaceId'])
      .where('c.org_id', '=', orgId)
      .orderBy('c.channel_key')
      .orderBy('w.workspace_key')
      .execute()
    const channels = [...Map.groupBy(rows, (row) => row.id).values()].flatMap(([channel, ...others]) => {
      if (!channel) return []
      const { workspaceId, ...own } = channel
      return {
        ...own,
        workspaceIds: [workspaceId, ...others.map((other) => other.workspaceId)].filter((id) => id !== null),
      }
    })
    const lines = channels.map(({ id, name, workspaceIds }) =>
      [id, printable(name), workspaceIds.join(', ') || 'connected to no workspace'].join('  '),
    )
    answer(options, lines.join('\n') || 'The organization has no channels', { channels })
  })
}
