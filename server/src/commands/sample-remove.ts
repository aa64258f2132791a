import { removeSample } from '../../sample/load-sample.ts'
import { removeSampleFile } from '../../sample/sample-file.ts'
import { createExportStorage } from '../exports/storage.ts'
import { CommandError } from './command-error.ts'
import { answer, type CommonOptions, say } from './output.ts'
import { withStore } from './with-store.ts'

/** Servers remember a key for less than this; until then the organization's number must not be another's. */
const REMEMBERED_MS = 6_000

export async function run(options: CommonOptions): Promise<void> {
  await withStore(async (store, config) => {
    const removed = await store.alone(() =>
      removeSample(store, createExportStorage(config), async () => {
        say('Removed; waiting some seconds until every running server has forgotten its key')
        await new Promise((resolve) => setTimeout(resolve, REMEMBERED_MS))
      }),
    )
    if (!removed) throw new CommandError('There is no sample organization')
    await removeSampleFile(config.dataDir)
    answer(options, 'The sample organization is gone', { removed: true })
  })
}
