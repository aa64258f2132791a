import { newStoreId } from '../database/open-store.ts'
import { answer, type CommonOptions } from './output.ts'
import { withStore } from './with-store.ts'

/** Run once after a backup was put back, before a server starts on it. */
export async function run(options: CommonOptions): Promise<void> {
  await withStore(async (store) => {
    const id = newStoreId()
    await store.write('renewStoreId', { id })
    answer(options, 'No client takes what it kept of the lists for the restored ones', { storeId: id })
  })
}
