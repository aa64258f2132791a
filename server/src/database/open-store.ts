import { randomBytes } from 'node:crypto'
import type { Writes } from '../writes.ts'
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
  // each is loaded where it is used: starts are to be fast
  if (settings.databaseUrl === null) {
    const { openSqliteStore } = await import('./sqlite/open.ts')
    return openSqliteStore(settings.dataDir, newStoreId, options)
  }
  const { openPostgresStore } = await import('./postgres/open.ts')
  return openPostgresStore(settings.databaseUrl, newStoreId, writes, options)
}
