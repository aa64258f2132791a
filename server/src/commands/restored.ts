import { newStoreId } from '../database/open-store.ts'
import { answer, type CommonOptions } from './output.ts'
import { withStore } from './with-store.ts'

/** Run once after a backup was put back, before a server starts on it. */
export async function run(options: CommonOptions): Promise<void> {
  await withStore(async (store) => {
    const id = newStoreId()
    await store.write('renewStoreId', { id })
    answer(options, 'From now on every client fetches its lists anew', { storeId: id })
  })
}
