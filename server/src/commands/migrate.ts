import { answer, type CommonOptions } from './output.ts'
import { withStore } from './with-store.ts'

/** Opening a store migrates it. */
export async function run(options: CommonOptions): Promise<void> {
  await withStore(
    async (store) => {
      answer(options, 'The schema is up to date', { store: store.name, upToDate: true })
    },
    { mayMake: true },
  )
}
