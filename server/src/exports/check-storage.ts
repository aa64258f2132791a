import { CommandError } from '../commands/command-error.ts'
import type { Config } from '../config.ts'
import { readMeta, writeMeta } from '../database/meta.ts'
import type { Store } from '../database/store.ts'
import type { Tx } from '../database/write.ts'

const NAME = 'export_storage'
const OWN_DISK = 'data folder'
/** A bucket is to delete by itself what is older. */
const DAY_MS = 86_400_000

/** Where exports are kept, as it is told to who starts the server. */
function storageOf({ exports }: Pick<Config, 'exports'>): string {
  if (exports.storage === 'fs') return OWN_DISK
  return `bucket ${exports.bucket}${exports.endpoint === null ? '' : ` at ${exports.endpoint}`}`
}

/**
 * Goes on with the storage that the settings name. Not while files lie in a bucket that they name no longer: of who is
 * erased these could not be deleted. What lies on the own disk is reached whatever they name.
 *
 * @throws CommandError
 */
export async function checkExportStorage(store: Pick<Store, 'db' | 'write'>, config: Config): Promise<void> {
  const storage = storageOf(config)
  const known = await readMeta(store.db, NAME)
  if (known === storage) return
  const left = await store.write('changeExportStorage', { storage })
  if (left === null) return
  throw new CommandError(
    `Exports are still in the ${left}, and are kept in the ${storage} from now on: name the old one in EXPORT_STORAGE, ` +
      'S3_BUCKET and S3_ENDPOINT until it is empty, an hour after the last export',
  )
}

/** @returns the storage that has files yet; null where it is the new one from now on */
export async function changeExportStorage(tx: Tx, { storage }: { storage: string }): Promise<string | null> {
  const known = await readMeta(tx.db, NAME)
  if (known !== null && known !== storage && known !== OWN_DISK) {
    const left = await tx.db
      .selectFrom('exports as e')
      .select('e.file_name')
      .where('e.created_timestamp', '>', tx.now - DAY_MS)
      .limit(1)
      .executeTakeFirst()
    if (left) return known
  }
  await writeMeta(tx.db, NAME, storage)
  return null
}
