import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Config, loadConfig } from '../config.ts'
import { storeFile } from '../data-folder.ts'
import { openStore } from '../database/open-store.ts'
import type { Store } from '../database/store.ts'
import { checkFingerprint, createSecrets, loadMasterKey, type Secrets } from '../secrets.ts'
import { CommandError } from './command-error.ts'

/**
 * Opens the store that the environment names, for as long as `use` runs.
 *
 * @param mayMake whether the command makes the embedded store where there is none; else somebody is in the wrong folder
 * @param writerThread as `StoreOptions` has it: whether the command has something to do while the store writes
 * @throws CommandError where there is no store; SecretsError where the environment's master key is not the store's: what is written under it would be lost
 */
export async function withStore<T>(
  use: (store: Store, config: Config, secrets: Secrets) => Promise<T>,
  { mayMake = false, writerThread = false } = {},
): Promise<T> {
  const config = loadConfig(process.env)
  if (!mayMake && config.databaseUrl === null && !existsSync(storeFile(config.dataDir))) {
    throw new CommandError(
      `There is no store in ${resolve(config.dataDir)}: set DYNAMO_DATA_DIR or DATABASE_URL as the server has it`,
    )
  }
  const store = await openStore(config, { writerThread })
  try {
    const secrets = createSecrets(loadMasterKey(config))
    await checkFingerprint(store, secrets)
    return await use(store, config, secrets)
  } finally {
    await store.close()
  }
}
