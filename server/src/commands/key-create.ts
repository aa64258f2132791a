import { createKey } from '../organizations/create-key.ts'
import { CommandError } from './command-error.ts'
import { findOrganization } from './find.ts'
import { type CommonOptions, printJson } from './output.ts'
import { checkText } from './texts.ts'
import { withStore } from './with-store.ts'

interface Options extends CommonOptions {
  organization: string
  label?: string
  scope: string
}

const SCOPE = /^(?:all|(?:read|report|erase)(?:\+(?:read|report|erase))*)$/

/** Prints one JSON object with or without `--json`: the secret is shown here and never again. */
export async function run(options: Options): Promise<void> {
  const label = options.label === undefined ? null : checkText('--label', options.label)
  if (!SCOPE.test(options.scope)) {
    throw new CommandError('--scope is read, report or erase, several joined by +, or all', 2)
  }
  const scope = [...new Set(options.scope.split('+'))].join('+')
  await withStore(async (store, _config, secrets) => {
    const { orgId } = await findOrganization(store, options.organization)
    const made = await createKey(store, secrets, { orgId, label, scope })
    printJson(made)
  })
}
