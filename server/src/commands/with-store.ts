import { type Config, loadConfig } from '../config.ts'
import { openStore } from '../database/open-store.ts'
import type { Store } from '../database/store.ts'
import { checkFingerprint, createSecrets, loadMasterKey, type Secrets } from '../secrets.ts'
import { writes } from '../writes.ts'

/**
 * Opens the store that the environment names, for as long as `use` runs.
 *
 * @throws SecretsError where the environment's master key is not the store's: what is written under it would be lost
 */
export async function withStore<T>(use: (store: Store, config: Config, secrets: Secrets) => Promise<T>): Promise<T> {
  const config = loadConfig(process.env)
  const store = await openStore(config, writes)
  try {
    const secrets = createSecrets(loadMasterKey(config))
    await checkFingerprint(store, secrets)
    return await use(store, config, secrets)
  } finally {
    await store.close()
  }
}
