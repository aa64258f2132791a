import { verifyStore } from '../vip-users/verify.ts'
import { countUsers, findOrganization } from './find.ts'
import { answer, type CommonOptions } from './output.ts'
import { showProgress } from './progress.ts'
import { withStore } from './with-store.ts'

/** Exit code 1 where the store says anything that the facts do not. */
export async function run(options: CommonOptions & { organization?: string }): Promise<void> {
  const differences = await withStore(async (store) => {
    const orgId =
      options.organization === undefined ? undefined : (await findOrganization(store, options.organization)).orgId
    const progress = showProgress('Verifying', await countUsers(store, orgId))
    try {
      return await verifyStore(store, {
        ...(orgId !== undefined && { orgId }),
        onProgress: (users) => progress.update(users, `${users} users`),
      })
    } finally {
      progress.stop()
    }
  })
  const lines = differences.map(({ where, message }) => `${where}: ${message}\n`)
  answer(options, `${lines.join('')}${differences.length} differences`, { differences })
  if (differences.length > 0) process.exitCode = 1
}
