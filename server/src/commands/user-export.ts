import { exportUser } from '../users/export-user.ts'
import { CommandError } from './command-error.ts'
import { findOrganization } from './find.ts'
import { answer, type CommonOptions, printable } from './output.ts'
import { withStore } from './with-store.ts'

/** Prints JSON with or without `--json`: it is a document to hand on. */
export async function run(cuid: string, options: CommonOptions & { organization: string }): Promise<void> {
  const user = await withStore(async (store) => {
    const { orgId } = await findOrganization(store, options.organization)
    return await exportUser(store, { orgId, cuid })
  })
  if (user === null) throw new CommandError(`The organization has no user ${printable(cuid)}`)
  answer(options, JSON.stringify(user, null, 2), user)
}
