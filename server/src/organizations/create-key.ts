import { randomBytes } from 'node:crypto'
import type { Store } from '../database/store.ts'
import type { Secrets } from '../secrets.ts'
import { newId } from './write-organizations.ts'

export interface CreatedKey {
  apiKey: string
  /** 32 random bytes as hex; the store keeps it encrypted, and nobody shows it again */
  secret: string
}

/** Makes an API key. @param scope `read`, `report`, `erase` or `all`; several joined by `+` */
export async function createKey(
  store: Pick<Store, 'write'>,
  secrets: Secrets,
  { orgId, label, scope }: { orgId: number; label: string | null; scope: string },
): Promise<CreatedKey> {
  const apiKey = newId()
  const secret = randomBytes(32).toString('hex')
  const secretCiphertext = secrets.encrypt(secret, { table: 'api_keys', orgId, row: apiKey })
  await store.write('createApiKey', { orgId, apiKey, secretCiphertext, label, scope })
  return { apiKey, secret }
}
