import { findOrganization } from './find.ts'
import { answer, type CommonOptions } from './output.ts'
import { withStore } from './with-store.ts'

export async function run(options: CommonOptions & { organization: string; active: 'true' | 'false' }): Promise<void> {
  const active = options.active === 'true'
  await withStore(async (store) => {
    const { orgId, name } = await findOrganization(store, options.organization)
    await store.write('setOrganizationActive', { orgId, active })
    answer(options, `${name} is ${active ? 'active' : 'inactive: every request of its keys is answered 402'}`, {
      id: options.organization,
      active,
    })
  })
}
