import { closeSync, openSync } from 'node:fs'
import { damagedStoreAdvice, dataFolderAdvice, makeDataFolder, storeFile } from '../../data-folder.ts'
import type { Writes } from '../../writes.ts'
import { boundWriter } from '../bound-writer.ts'
import { readMeta } from '../meta.ts'
import { isMigrated, migrate } from '../migrate.ts'
import type { Store } from '../store.ts'
import { StoreUnavailable } from '../store-unavailable.ts'
import type { WriterOptions } from '../write.ts'
import { backUpSqlite } from './back-up.ts'
import { compactSqlite } from './compact.ts'
import { openConnection, type SqliteConnection } from './connection.ts'
import { createListReader } from './list-reader.ts'
import { createSqlitePace } from './pace.ts'
import { holdServing, whileAlone } from './serving.ts'
import { isDamaged } from './store-error.ts'
import { createThreadedWriter } from './threaded-writer.ts'
import { createWriterHere } from './writer-here.ts'

/** What the writer has before it: with fewer it commits small writes in small groups, or has to wait for more. */
const WRITES_AT_ONCE = 64

/** What is read once from end to end needs no more; a server may have several such reads at once. */
const SNAPSHOT_CACHE_KIB = -2_048

interface SqliteOptions {
  /** read once the store is there: of a folder that cannot be used the store says more than the key's file */
  options: (db: Store['db']) => Promise<WriterOptions>
  writerThread: boolean
}

export async function openSqliteStore(
  dataDir: string,
  newStoreId: () => string,
  { options, writerThread }: SqliteOptions,
): Promise<Store> {
  const path = storeFile(dataDir)
  const connection = openFile(dataDir, path)
  const { database, db } = connection
  let writerOptions: WriterOptions
  try {
    await migrateUnderLock(connection, newStoreId)
    writerOptions = await options(db)
  } catch (error) {
    database.close()
    throw isDamaged(error) ? cannotOpen(dataDir, error) : error
  }
  database.exec('pragma query_only = on')
  const createWriter = writerThread ? createThreadedWriter<Writes> : createWriterHere<Writes>
  const writer = boundWriter(createWriter(path, writerOptions), WRITES_AT_ONCE)
  return {
    name: 'sqlite',
    id: (await readMeta(db, 'store_id')) ?? '',
    db,
    write: writer.write,
    writeDepth: writer.depth,
    readList: createListReader(database),
    async snapshot(read) {
      const own = openConnection(path)
      try {
        own.database.exec(`pragma query_only = on; pragma cache_size = ${SNAPSHOT_CACHE_KIB}; begin`)
        return await read(own.db)
      } finally {
        own.database.close()
      }
    },
    async ping() {
      // a page of the file, which `select 1` would not touch
      if ((await readMeta(db, 'store_id')) === null) throw new Error('The store has no id')
    },
    holdServing: () => holdServing(dataDir),
    pace: () => createSqlitePace(dataDir),
    alone: (work) => whileAlone(dataDir, work),
    compact: () => compactSqlite(path),
    backUp: (target) => backUpSqlite(path, target),
    async close() {
      await writer.close()
      database.close()
    },
  }
}

function openFile(dataDir: string, path: string): SqliteConnection {
  try {
    makeDataFolder(dataDir)
    // for its owner alone, and so are the files that SQLite lays beside it
    closeSync(openSync(path, 'a', 0o600))
    return openConnection(path)
  } catch (error) {
    throw cannotOpen(dataDir, error)
  }
}

function cannotOpen(dataDir: string, error: unknown): StoreUnavailable {
  const advice = isDamaged(error) ? damagedStoreAdvice : dataFolderAdvice
  return new StoreUnavailable(advice(`open the store in ${dataDir}`, error), { cause: error })
}

async function migrateUnderLock({ database, db }: SqliteConnection, newStoreId: () => string): Promise<void> {
  if (await isMigrated(db)) return
  database.exec('begin immediate')
  try {
    await migrate(db, newStoreId)
    database.exec('commit')
  } catch (error) {
    database.exec('rollback')
    if (isDamaged(error)) throw error
    throw new StoreUnavailable(error instanceof Error ? error.message : String(error), { cause: error })
  }
}
