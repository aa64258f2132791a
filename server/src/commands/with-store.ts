import { type Config, loadConfig } from '../config.ts'
import { openStore } from '../database/open-store.ts'
import type { Store } from '../database/store.ts'
import { writes } from '../writes.ts'

/** Opens the store that the environment names, for as long as `use` runs. */
export async function withStore<T>(use: (store: Store, config: Config) => Promise<T>): Promise<T> {
  const config = loadConfig(process.env)
  const store = await openStore(config, writes)
  try {
    return await use(store, config)
  } finally {
    await store.close()
  }
}
