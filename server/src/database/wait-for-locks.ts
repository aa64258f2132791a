import { sql } from 'kysely'
import { isPostgres } from './dialect.ts'
import type { Tx } from './write.ts'

const LOCK_NOT_AVAILABLE = '55P03'

/**
 * Runs statements that wait at most `waitMs` for each lock of another write; else throws what `inVain` makes of the
 * store's error. SQLite runs one write after the other.
 */
export async function waitForLocks<T>(
  tx: Tx,
  waitMs: number,
  statements: () => Promise<T>,
  inVain: (cause: unknown) => Error,
): Promise<T> {
  if (!isPostgres(tx.db)) return await statements()
  await sql`set local lock_timeout = ${sql.lit(waitMs)}`.execute(tx.db)
  try {
    const result = await statements()
    await sql`set local lock_timeout to default`.execute(tx.db)
    return result
  } catch (error) {
    throw (error as { code?: string }).code === LOCK_NOT_AVAILABLE ? inVain(error) : error
  }
}
