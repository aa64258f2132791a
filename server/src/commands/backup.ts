import { existsSync, statSync } from 'node:fs'
import { CommandError, cannotWrite } from './command-error.ts'
import { answer, type CommonOptions, say } from './output.ts'
import { withStore } from './with-store.ts'

/** Writes the embedded store to a file, also while a server runs. */
export async function run(file: string, options: CommonOptions): Promise<void> {
  await withStore(async (store) => {
    if (!store.backUp) {
      throw new CommandError('The store is PostgreSQL: back it up with pg_dump, or as your provider does')
    }
    if (existsSync(file)) throw new CommandError(`There is a file ${file} already: name another`)
    say('Writing the store as it is now; servers read and write meanwhile')
    try {
      store.backUp(file)
    } catch (error) {
      throw cannotWrite(file, error)
    }
    const { size } = statSync(file)
    answer(options, `Wrote ${file}, ${size} bytes. Keep the master key elsewhere: without it the secrets are lost`, {
      file,
      bytes: size,
    })
  })
}
