import { randomBytes } from 'node:crypto'
import type { Writes } from '../writes.ts'
import { openPostgresStore } from './postgres/open.ts'
import { openSqliteStore } from './sqlite/open.ts'
import type { Store } from './store.ts'
import { DEFAULT_WRITER_OPTIONS, type WriterOptions } from './write.ts'

export interface StoreSettings {
  /** a `postgres://` address; without one the embedded store in `dataDir` is opened */
  databaseUrl: string | null
  dataDir: string
}

/** What a store is told apart by: part of every ETag. */
export const newStoreId = () => randomBytes(9).toString('base64url')

/**
 * Opens the store and brings its schema up to date, under a lock that every server of the store respects.
 *
 * @throws StoreUnavailable where there is no store to be had
 */
export async function openStore(
  settings: StoreSettings,
  writes: Writes,
  options: WriterOptions = DEFAULT_WRITER_OPTIONS,
): Promise<Store> {
  return settings.databaseUrl === null
    ? openSqliteStore(settings.dataDir, newStoreId, options)
    : openPostgresStore(settings.databaseUrl, newStoreId, writes, options)
}
