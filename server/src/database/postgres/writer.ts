import { type Kysely, sql } from 'kysely'
import { errors } from '../../http/errors.ts'
import type { Schema } from '../schema.ts'
import type { Writer, WriterOptions, Writes } from '../write.ts'
import type { WritePool } from './connection.ts'

/** What other writes have kept from its end is tried again this often, then the caller is told to. */
const MAX_ATTEMPTS = 5
/** Held by the one write that is tried a third time: many that came into each other's way would do so again. */
const AGAIN_LOCK = 0x44594e_41
const MAX_ANALYZED_WRITES = 4 ** 6
/** With a table of this size, some 20,000 rows, a store is no longer young: figures are there, and to make them anew takes long. */
const YOUNG_BYTES = 8 * 1024 * 1024
/** Writes wait for it; what it has not looked at by then the server looks at itself. */
const ANALYZE_MS = 1_000
/** Deadlock, serialization failure, and a lock that was not to be waited for. */
const AGAIN = new Set(['40P01', '40001', '55P03'])
const DISK_FULL = '53100'

/** Each write in a transaction of its own, committed to the disk before it is answered. */
export function createPostgresWriter<W extends Writes>(
  { db, transact }: WritePool,
  writes: W,
  options: WriterOptions,
): Writer<W> {
  let committed = 0
  let analyzing = Promise.resolve()
  const running = new Set<Promise<unknown>>()

  /**
   * Tells the planner of a young store what is in it, after 1, 4, 16 … writes of this server: until the server's own
   * analyze comes, a minute later, it takes every organization for empty, and walks all of it for each batch.
   * Between this server's writes: rows that are not committed are not counted, their pages are, and a table that seems to
   * have pages and no rows is taken for empty from then on. Where it fails the server's own comes all the same.
   */
  function analyzeWhileYoung(): void {
    committed += 1
    const isPowerOfFour = Number.isInteger(Math.log2(committed) / 2)
    if (!isPowerOfFour || committed > MAX_ANALYZED_WRITES) return
    analyzing = analyzing
      // also those that have waited for the last one
      .then(() => Promise.allSettled(running))
      .then(() => analyzeYoung(db))
      .catch(() => undefined)
  }

  /** Not beside an analyze: it waits for those that run, and the others for it. */
  async function transactAnalyzed<T>(statements: Parameters<typeof transact<T>>[0]): Promise<T> {
    await analyzing
    const transaction = transact(statements)
    running.add(transaction)
    return await transaction.finally(() => running.delete(transaction))
  }

  async function run(name: keyof W & string, args: unknown): Promise<unknown> {
    const write = writes[name]
    if (!write) throw new Error(`No write named ${name}`)
    for (let attempt = 1; ; attempt++) {
      try {
        const result = await transactAnalyzed(async (transaction) => {
          if (attempt > 2) await sql`select pg_advisory_xact_lock(${AGAIN_LOCK}::bigint)`.execute(transaction)
          return await write({ db: transaction, now: Date.now(), isAgain: attempt > 1, ...options }, args)
        })
        analyzeWhileYoung()
        return result
      } catch (error) {
        const code = (error as { code?: string }).code
        if (code === DISK_FULL) throw errors.storeFull(error)
        if (code === undefined || !AGAIN.has(code)) throw error
        if (attempt === MAX_ATTEMPTS) throw errors.storeBusy(error)
      }
    }
  }
  return {
    // the table of writes gives the named write's type
    write: (name, args) => run(name, args) as ReturnType<W[typeof name]>,
    close: () => analyzing,
  }
}

/** Looks at the store's own tables: others may share the database. */
async function analyzeYoung(db: Kysely<Schema>): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    const { rows } = await sql<{ tables: string; is_young: boolean }>`
      select string_agg(quote_ident(c.relname), ', ') as tables, max(pg_relation_size(c.oid)) < ${YOUNG_BYTES} as is_young
      from pg_class c
      where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r'`.execute(transaction)
    const [store] = rows
    if (!store?.is_young) return
    await sql`set local statement_timeout = ${sql.lit(ANALYZE_MS)}`.execute(transaction)
    await sql`analyze (skip_locked) ${sql.raw(store.tables)}`.execute(transaction)
  })
}
