import { sql } from 'kysely'
import { whileAlone } from '../src/database/sqlite/serving.ts'
import type { Store } from '../src/database/store.ts'

/** A number of our own among PostgreSQL's advisory locks. */
const SAMPLE_LOCK = 0x44594e_53

/**
 * Runs `work` while no other process loads or removes the store's sample. The lock goes with the process, so that
 * whoever holds it and finds a sample that is being loaded knows that it was left half-way.
 */
export async function withSampleLock<T>(store: Store, dataDir: string, work: () => Promise<T>): Promise<T> {
  if (store.name === 'sqlite') return await whileAlone(dataDir, work)
  return await store.db.connection().execute(async (connection) => {
    await sql`select pg_advisory_lock(${SAMPLE_LOCK}::bigint)`.execute(connection)
    try {
      return await work()
    } finally {
      await sql`select pg_advisory_unlock(${SAMPLE_LOCK}::bigint)`.execute(connection)
    }
  })
}
