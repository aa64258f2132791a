import { compactStore } from '../erasure/compact-store.ts'
import { answer, type CommonOptions, say } from './output.ts'
import { withStore } from './with-store.ts'

/** For who will not wait for the quiet hour in which servers do it. */
export async function run(options: CommonOptions): Promise<void> {
  await withStore(async (store) => {
    say(`Overwriting what erased rows have left: ${LOCKS[store.name]}`)
    const receipts = await compactStore(store, 'always')
    answer(options, `Compacted; ${receipts} receipts of erasures tell of it`, { receipts })
  })
}

const LOCKS = {
  sqlite: 'reads go on, writes wait',
  postgres: 'reads and writes of each table wait while it is written anew',
}
