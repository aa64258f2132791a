import { resolve } from 'node:path'
import { hasErasuresFile, readErasuresFile } from '../erasure/erasures-file.ts'
import { reapplyErasures } from '../erasure/reapply-erasures.ts'
import { loadErasureKey } from '../secrets.ts'
import { CommandError } from './command-error.ts'
import { answer, type CommonOptions, say } from './output.ts'
import { withStore } from './with-store.ts'

/** Run after a backup was put back, before a server starts on it: whoever was erased since is erased again. */
export async function run(options: CommonOptions): Promise<void> {
  await withStore(async (store, config) => {
    if (!hasErasuresFile(config.dataDir)) {
      throw new CommandError(
        `There is no erasures.ndjson in ${resolve(config.dataDir)}: put the one of the server there; where it has none nobody was erased for 90 days`,
      )
    }
    const { records, cut } = await readErasuresFile(config.dataDir)
    if (cut > 0) say(`${cut} lines of erasures.ndjson are no erasures: a crash may have cut one that was not answered`)
    const done = await store.alone(() => reapplyErasures(store, loadErasureKey(config), records))
    const known = records.length - done.reapplied
    answer(options, `Erased again: ${done.reapplied}, of whom ${done.users} were there; known already: ${known}`, {
      ...done,
      known,
    })
  })
}
