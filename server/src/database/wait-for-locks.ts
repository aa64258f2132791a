import { sql } from 'kysely'
import { isPostgres } from './dialect.ts'
import { together } from './together.ts'
import type { Tx } from './write.ts'

const LOCK_NOT_AVAILABLE = '55P03'

/**
 * Runs a statement that waits at most `waitMs` for each lock of another write; else throws what `inVain` makes of the
 * store's error, or that error, on which the write begins anew. SQLite runs one write after the other.
 */
export async function waitForLocks<T>(
  tx: Tx,
  waitMs: number,
  statement: () => Promise<T>,
  inVain?: (cause: unknown) => Error,
): Promise<T> {
  if (!isPostgres(tx.db)) return await statement()
  try {
    const [, result] = await together(
      tx,
      () => sql`set local lock_timeout = ${sql.lit(waitMs)}`.execute(tx.db),
      statement,
      () => sql`set local lock_timeout to default`.execute(tx.db),
    )
    return result
  } catch (error) {
    throw inVain && (error as { code?: string }).code === LOCK_NOT_AVAILABLE ? inVain(error) : error
  }
}
