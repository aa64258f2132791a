import { describeMissingErasures } from '../erasure/missing-erasures.ts'
import { verifyStore } from '../vip-users/verify.ts'
import { countUsers, findOrganization } from './find.ts'
import { answer, type CommonOptions } from './output.ts'
import { showProgress } from './progress.ts'
import { withStore } from './with-store.ts'

/** Exit code 1 where the store says anything that the facts do not, or has erased people again. */
export async function run(options: CommonOptions & { organization?: string }): Promise<void> {
  const { organization: organizationId } = options
  const differences = await withStore(async (store, { dataDir }) => {
    const orgId = organizationId === undefined ? undefined : (await findOrganization(store, organizationId)).orgId
    const missing = await describeMissingErasures(
      store,
      dataDir,
      organizationId === undefined ? {} : { organizationId },
    )
    const progress = showProgress('Verifying', await countUsers(store, orgId))
    try {
      const found = await verifyStore(store, {
        ...(orgId !== undefined && { orgId }),
        onProgress: (users) => progress.update(users, `${users} users`),
      })
      return missing === null ? found : [{ where: 'erasures', message: missing }, ...found]
    } finally {
      progress.stop()
    }
  })
  const lines = differences.map(({ where, message }) => `${where}: ${message}\n`)
  answer(options, `${lines.join('')}${differences.length} differences`, { differences })
  if (differences.length > 0) process.exitCode = 1
}
