import { answer, type CommonOptions, printable } from './output.ts'
import { withStore } from './with-store.ts'

/** All of the store's, oldest first. */
export async function run(options: CommonOptions): Promise<void> {
  await withStore(async (store) => {
    const rows = await store.db
      .selectFrom('organizations as o')
      .select(['o.organization_id as id', 'o.name', 'o.active', 'o.created_timestamp as createdTimestamp'])
      .orderBy('o.org_id')
      .execute()
    const organizations = rows.map((row) => ({ ...row, active: row.active === 1 }))
    const lines = organizations.map(
      ({ id, name, active }) => `${id}  ${active ? 'active' : 'inactive'}  ${printable(name)}`,
    )
    answer(options, lines.join('\n') || 'The store has no organizations', { organizations })
  })
}
