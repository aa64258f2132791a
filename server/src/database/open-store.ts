import { randomBytes } from 'node:crypto'
import type { Config } from '../config.ts'
import { loadErasureKey, readFingerprint } from '../secrets.ts'
import type { Store } from './store.ts'
import type { WriterOptions } from './write.ts'

/** `databaseUrl`: without one the embedded store in `dataDir` is opened. */
export type StoreSettings = Pick<Config, 'databaseUrl' | 'dataDir' | 'masterKey'>

export interface StoreOptions extends Pick<WriterOptions, 'rangeRows'> {
  /** SQLite's writer in a thread of its own: for who answers reads, or makes ready what comes next, while it writes */
  writerThread: boolean
}

const DEFAULT_STORE_OPTIONS: StoreOptions = { rangeRows: 1000, writerThread: true }

/** What a store is told apart by: part of every ETag. */
export const newStoreId = () => randomBytes(9).toString('base64url')

/**
 * Opens the store and brings its schema up to date, under a lock that every server of the store respects.
 *
 * @throws StoreUnavailable where there is no store to be had; SecretsError where there is no master key
 */
export async function openStore(settings: StoreSettings, given: Partial<StoreOptions> = {}): Promise<Store> {
  const { rangeRows, writerThread } = { ...DEFAULT_STORE_OPTIONS, ...given }
  const writerOptions = async (db: Store['db']) => ({
    rangeRows,
    erasureKey: loadErasureKey(settings, await readFingerprint(db)),
  })
  // each is loaded where it is used, and with SQLite the writes by the writer: starts are to be fast
  if (settings.databaseUrl === null) {
    const { openSqliteStore } = await import('./sqlite/open.ts')
    return openSqliteStore(settings.dataDir, newStoreId, { options: writerOptions, writerThread })
  }
  const [{ openPostgresStore }, { writes }] = await Promise.all([import('./postgres/open.ts'), import('../writes.ts')])
  return openPostgresStore(settings.databaseUrl, newStoreId, writes, writerOptions)
}
