import { type Kysely, sql } from 'kysely'
import type { Writes } from '../../writes.ts'
import { boundWriter } from '../bound-writer.ts'
import { readMeta } from '../meta.ts'
import { isMigrated, migrate } from '../migrate.ts'
import type { Schema } from '../schema.ts'
import type { Store } from '../store.ts'
import { StoreUnavailable } from '../store-unavailable.ts'
import type { WriterOptions } from '../write.ts'
import { compactPostgres } from './compact.ts'
import { openListPool, openPool, openWritePool, WRITE_CONNECTIONS } from './connection.ts'
import { createListReader } from './list-reader.ts'
import { createPostgresPace } from './pace.ts'
import { createPostgresWriter } from './writer.ts'

/** Held while the schema is brought up to date: servers that start together do it once. */
const MIGRATION_LOCK = 0x44594e_4d
/** Held by the one process that does what only one may: loading the sample, compacting. */
const ALONE_LOCK = 0x44594e_53

export async function openPostgresStore(
  url: string,
  newStoreId: () => string,
  writes: Writes,
  options: (db: Store['db']) => Promise<WriterOptions>,
): Promise<Store> {
  const { pool, db } = openPool(url)
  try {
    if (!(await isMigrated(db))) await migrateUnderLock(db, newStoreId)
  } catch (error) {
    await pool.end()
    const reason = error instanceof Error ? error.message || String((error as { code?: string }).code) : String(error)
    throw new StoreUnavailable(
      `PostgreSQL does not answer as it should (${reason}): check DATABASE_URL, and that the server runs`,
      { cause: error },
    )
  }
  const writerOptions = await options(db).catch(async (error: unknown) => {
    await pool.end()
    throw error
  })
  const lists = openListPool(url)
  const writing = openWritePool(url)
  const writer = boundWriter(createPostgresWriter(writing, writes, writerOptions), WRITE_CONNECTIONS)
  return {
    name: 'postgres',
    id: (await readMeta(db, 'store_id')) ?? '',
    db,
    write: writer.write,
    writeDepth: writer.depth,
    readList: createListReader(lists),
    snapshot: (read) => db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only').execute(read),
    async ping() {
      await pool.query('select 1')
    },
    // nobody asks: an import leaves a server its turn whether there is one or not, and several servers are as it should be
    holdServing: () => ({ release: () => undefined, isShared: null }),
    pace: createPostgresPace,
    alone: (work) => whileAlone(db, work),
    compact: () => compactPostgres(db),
    backUp: null,
    async close() {
      await writer.close()
      await Promise.all([lists.end(), writing.pool.end(), pool.end()])
    },
  }
}

async function migrateUnderLock(db: Kysely<Schema>, newStoreId: () => string): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await sql`select pg_advisory_xact_lock(${MIGRATION_LOCK}::bigint)`.execute(tx)
    await migrate(tx, newStoreId)
  })
}

/** The lock is the connection's: it goes with the process, however that ends. */
async function whileAlone<T>(db: Kysely<Schema>, work: () => Promise<T>): Promise<T> {
  return await db.connection().execute(async (connection) => {
    await sql`select pg_advisory_lock(${ALONE_LOCK}::bigint)`.execute(connection)
    try {
      return await work()
    } finally {
      await sql`select pg_advisory_unlock(${ALONE_LOCK}::bigint)`.execute(connection)
    }
  })
}
