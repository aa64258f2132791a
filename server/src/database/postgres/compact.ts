import { setTimeout as pause } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'
import { errors } from '../../http/errors.ts'
import type { Schema } from '../schema.ts'

/** Who waits for a table keeps everybody who comes after it waiting: a long read is waited for in short pieces. */
const LOCK_TIMEOUT_MS = 1_000
const PAUSE_MS = 1_000
const MAX_ATTEMPTS = 10
const LOCK_NOT_AVAILABLE = '55P03'

/**
 * Writes every table and its indexes anew, one table after the other, each under its exclusive lock: `vacuum` alone
 * leaves a deleted row's bytes in its page, until something happens to be written there. Then anew the planner's
 * statistics, which hold samples of ids.
 *
 * @throws ApiError 503 where a table was read all the time, or a transaction may still see what was deleted
 */
export async function compactPostgres(db: Kysely<Schema>): Promise<void> {
  await db.connection().execute(async (connection) => {
    await sql`set lock_timeout = ${sql.lit(LOCK_TIMEOUT_MS)}`.execute(connection)
    try {
      const deleted = await newTransaction(connection)
      // the smallest tells at once whether a transaction keeps old rows alive
      for (const table of await tablesBySize(connection)) {
        await untilFree(() => rewrite(connection, table, deleted))
      }
      const analyzed = await newTransaction(connection)
      await untilFree(() => rewrite(connection, 'pg_catalog.pg_statistic', analyzed))
    } finally {
      await sql`reset lock_timeout`.execute(connection)
    }
  })
}

/** A transaction's id: whatever is committed by now was deleted or replaced by an older one. */
async function newTransaction(db: Kysely<Schema>): Promise<string> {
  const { rows } = await sql<{ xid: string }>`select pg_current_xact_id()::xid::text as xid`.execute(db)
  return rows[0]?.xid ?? ''
}

async function tablesBySize(db: Kysely<Schema>): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select c.relname as name from pg_class c
    where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r'
    order by pg_relation_size(c.oid), c.relname`.execute(db)
  return rows.map((row) => row.name)
}

/**
 * @param xid a transaction that began after whatever is to be gone
 * @throws ApiError 503 where an older one is open: rows that it may see were copied
 */
async function rewrite(db: Kysely<Schema>, table: string, xid: string): Promise<void> {
  await sql`vacuum (full, analyze) ${sql.table(table)}`.execute(db)
  // everything deleted before this transaction is gone
  const { rows } = await sql<{ gone: boolean }>`
    select age(c.relfrozenxid) <= age(cast(${xid} as xid)) as gone from pg_class c
    where c.oid = cast(${table} as regclass)`.execute(db)
  if (!rows[0]?.gone) throw errors.storeBusy(new Error('A transaction is open that may see what was deleted'))
}

async function untilFree(attempt: () => Promise<unknown>): Promise<void> {
  for (let attempts = 1; ; attempts++) {
    try {
      await attempt()
      return
    } catch (error) {
      const { code, statusCode } = error as { code?: string; statusCode?: number }
      if (code !== LOCK_NOT_AVAILABLE && statusCode !== 503) throw error
      if (attempts === MAX_ATTEMPTS) throw errors.storeBusy(error)
    }
    await pause(PAUSE_MS)
  }
}
