import { type Config, loadConfig } from '../src/config.ts'
import { openStore } from '../src/database/open-store.ts'
import type { Store } from '../src/database/store.ts'
import { createSecrets, loadMasterKey } from '../src/secrets.ts'
import { recordVips } from './lists.ts'
import { makeOrganization, type TestOrganization } from './organization.ts'
import { SHARED_USERS } from './reporting-client.ts'
import { type Credentials, makeKey } from './signed.ts'
import type { TestStore } from './stores.ts'

/** Opens the store that a server is told to use, while none does. */
export async function inStore<T>(env: TestStore['env'], use: (store: Store, config: Config) => Promise<T>): Promise<T> {
  const config = loadConfig(env)
  const store = await openStore(config)
  try {
    return await use(store, config)
  } finally {
    await store.close()
  }
}

/** An organization with a list, and a key that a server on this store knows. */
export async function makeReported(store: Store, config: Config): Promise<TestOrganization & { key: Credentials }> {
  const organization = await makeOrganization(store, { vipIndicator: 'ltv >= 10' })
  const { orgId, channels } = organization
  await recordVips(store, { orgId, mediumId: channels[0]?.mediumId ?? '', count: SHARED_USERS })
  const key = await makeKey(store, createSecrets(loadMasterKey(config)), orgId)
  return { ...organization, key }
}
