import { findOrganization } from './find.ts'
import { answer, type CommonOptions, printable } from './output.ts'
import { withStore } from './with-store.ts'

/** An organization's workspaces, oldest first. */
export async function run(options: CommonOptions & { organization: string }): Promise<void> {
  await withStore(async (store) => {
    const { orgId } = await findOrganization(store, options.organization)
    const workspaces = await store.db
      .selectFrom('workspaces as w')
      .select(['w.workspace_id as id', 'w.type', 'w.name', 'w.vip_indicator as vipIndicator'])
      .where('w.org_id', '=', orgId)
      .orderBy('w.workspace_key')
      .execute()
    const lines = workspaces.map(({ id, type, name, vipIndicator }) =>
      [
        id,
        type.padEnd('STANDARD'.length),
        printable(name),
        ...(vipIndicator === null ? [] : [printable(vipIndicator)]),
      ].join('  '),
    )
    answer(options, lines.join('\n') || 'The organization has no workspaces', { workspaces })
  })
}
