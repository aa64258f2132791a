import { access, chmod, constants, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CommandError } from '../src/commands/command-error.ts'
import { dataFolderAdvice, makeDataFolder } from '../src/data-folder.ts'
import type { Store } from '../src/database/store.ts'
import type { SampleMark } from '../src/organizations/sample-mark.ts'
import type { Secrets } from '../src/secrets.ts'

/** What `sample.json` in the data folder holds: all that a first request needs. */
export interface SampleFile {
  baseUrl: string
  apiKey: string
  secret: string
  organizationId: string
  workspaceId: string
  mediumIds: Record<string, string>
}

/** @returns null where the sample's key is gone */
export async function describeSample(
  store: Store,
  secrets: Secrets,
  mark: SampleMark,
  baseUrl: string,
): Promise<SampleFile | null> {
  const { orgId, organizationId, apiKey = '', workspaceId = '', mediumIds = {} } = mark
  const key = await store.db
    .selectFrom('api_keys as k')
    .select('k.secret_ciphertext')
    .where('k.api_key', '=', apiKey)
    .where('k.revoked_timestamp', 'is', null)
    .executeTakeFirst()
  if (!key) return null
  const secret = secrets.decrypt(key.secret_ciphertext, { table: 'api_keys', orgId, row: apiKey })
  return { baseUrl, apiKey, secret, organizationId, workspaceId, mediumIds }
}

/**
 * Readable by its owner alone from the first byte on, and never half written.
 *
 * @throws CommandError where the file cannot be written
 */
export async function writeSampleFile(dataDir: string, sample: SampleFile): Promise<void> {
  await inFolder(dataDir, async () => {
    const path = samplePath(dataDir)
    const own = `${path}.${process.pid}`
    await writeFile(own, `${JSON.stringify(sample, null, 2)}\n`, { mode: 0o600 })
    await chmod(own, 0o600)
    await rename(own, path)
  })
}

/**
 * For who is about to load a sample, which takes a while.
 *
 * @throws CommandError where its file could not be written
 */
export async function checkSampleFolder(dataDir: string): Promise<void> {
  await inFolder(dataDir, () => access(dataDir, constants.W_OK))
}

async function inFolder(dataDir: string, use: () => Promise<void>): Promise<void> {
  try {
    makeDataFolder(dataDir)
    await use()
  } catch (error) {
    throw new CommandError(dataFolderAdvice(`write ${samplePath(dataDir)}`, error))
  }
}

export async function removeSampleFile(dataDir: string): Promise<void> {
  await rm(samplePath(dataDir), { force: true })
}

export function samplePath(dataDir: string): string {
  return join(dataDir, 'sample.json')
}
