import { CommandError } from './command-error.ts'
import { answer, type CommonOptions } from './output.ts'
import { withStore } from './with-store.ts'

export async function run(apiKey: string, options: CommonOptions): Promise<void> {
  await withStore(async (store) => {
    if (!(await store.write('revokeApiKey', { apiKey }))) throw new CommandError(`There is no key ${apiKey}`)
    answer(options, 'Revoked: every server refuses the key within 5 s', { apiKey, revoked: true })
  })
}
