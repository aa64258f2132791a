import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import type { Schema } from '../schema.ts'

/** Connections for pages of lists; more only queue inside PostgreSQL. */
const LIST_CONNECTIONS = 10
/** Connections for all other reads. */
const READ_CONNECTIONS = 6
/** Connections for writes, however many of them wait for each other's locks. */
export const WRITE_CONNECTIONS = 6
const CONNECT_TIMEOUT_MS = 5_000
const INT8_OID = 20

export interface PostgresConnection {
  pool: pg.Pool
  db: Kysely<Schema>
}

/**
 * An answered write is on the disk, whatever the server's default is. No statement runs for so long that compiling it
 * pays.
 */
const EVERY = '-c synchronous_commit=on -c jit=off'
/**
 * For statements that look up what an index has, whatever they are asked with: pages, and writes, which are about a few
 * hundred rows that each have a key. To plan each takes half the time of a page, and a tenth of a write's; and a look-up is
 * cheap, since what is touched is mostly in memory, and walking an organization for it is not.
 */
const LOOK_UPS = '-c random_page_cost=1.1 -c enable_seqscan=off -c plan_cache_mode=force_generic_plan'
/** And each row is looked up for itself, in the order in which they are named: an update's order is that of its locks. */
const ROW_BY_ROW = '-c enable_hashjoin=off -c enable_mergejoin=off'
/** So long a plan is kept: it is one for the tables as they were, which a store begins with empty. */
const PLANS_KEPT_MS = 1_000

/** The pool for reads, and for what runs with the store for itself. */
export function openPool(url: string): PostgresConnection {
  const pool = connect(url, READ_CONNECTIONS, EVERY)
  changeQueries(pool, (text, values) => ({ text: forAnyOrganization(text), values }))
  return { pool, db: new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) }) }
}

/** The pool for pages of lists, whose statements have names. */
export function openListPool(url: string): pg.Pool {
  const pool = connect(url, LIST_CONNECTIONS, `${EVERY} ${LOOK_UPS}`)
  pool.on('connect', forgetPlans)
  changeQueries(pool, (text, values) => ({ text, values }))
  return pool
}

export interface WritePool extends PostgresConnection {
  /** Runs statements in a transaction of their own; what they ask without waiting for each other is sent at once, in order. */
  transact: <T>(statements: (db: Kysely<Schema>) => Promise<T>) => Promise<T>
}

/** The pool for writes: each of their statements is parsed once a connection. */
export function openWritePool(url: string): WritePool {
  const pool = connect(url, WRITE_CONNECTIONS, `${EVERY} ${LOOK_UPS} ${ROW_BY_ROW}`, { pipeline: true })
  pool.on('connect', forgetPlans)
  const statements = new Map<string, { name: string; text: string }>()
  changeQueries(pool, (text, values) => {
    const statement = statements.getOrInsertComputed(text, () => ({ name: `write.${statements.size}`, text }))
    return { ...statement, values }
  })
  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) })
  return { pool, db, transact: (statements) => transact(pool, statements) }
}

/** Kysely's own transaction waits for each statement's answer before it sends the next. */
async function transact<T>(pool: pg.Pool, statements: (db: Kysely<Schema>) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  let broken = false
  try {
    await client.query('begin')
    const result = await statements(kyselyOf(client))
    const { command } = await client.query('commit')
    if (command !== 'COMMIT') throw new Error('A write went on after one of its statements had failed')
    return result
  } catch (error) {
    await client.query('rollback').catch(() => {
      broken = true
    })
    throw error
  } finally {
    client.release(broken)
  }
}

const kyselys = new WeakMap<pg.PoolClient, Kysely<Schema>>()

/** For statements on one connection, which is the caller's. */
function kyselyOf(client: pg.PoolClient): Kysely<Schema> {
  return kyselys.getOrInsertComputed(client, () => {
    const lent = { query: client.query.bind(client), release: () => undefined }
    const pool = { connect: async () => lent, end: async () => undefined, options: {} }
    return new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) })
  })
}

/** 64-bit integers are read as numbers: what may pass 2^53 is selected as text. */
function connect(url: string, max: number, options: string, more: pg.PoolConfig = {}): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'dynamo',
    options,
    ...more,
    types: {
      getTypeParser: (oid: number, format?: 'text' | 'binary') =>
        oid === INT8_OID ? Number : pg.types.getTypeParser(oid, format as 'text'),
    } as pg.CustomTypesConfig,
  })
  // a connection that the server closed is replaced by the pool; the query under way, or the next, tells what is wrong
  pool.on('error', () => undefined)
  // without it one that is lost between two queries of a transaction ends the process
  pool.on('connect', (client) => client.on('error', () => undefined))
  return pool
}

/** Forgets a connection's plans before a statement, where they are old. */
function forgetPlans(client: pg.PoolClient): void {
  const query = client.query.bind(client) as (...given: unknown[]) => unknown
  let forgottenMs = performance.now()
  client.query = ((...given: unknown[]) => {
    if (performance.now() - forgottenMs > PLANS_KEPT_MS) {
      forgottenMs = performance.now()
      // where it fails, so does the statement
      query('discard plans', () => undefined)
    }
    return query(...given)
  }) as typeof client.query
}

/**
 * Keeps from the planner which organization a statement is about: one that came after the last analyze it takes for
 * empty, and walks all of it for each row that it looks up. What a subquery gives is taken for an average organization.
 */
function forAnyOrganization(text: string): string {
  return text.replaceAll(/\b(org_id"? = )(\$\d+)/g, '$1(select $2::bigint)')
}

/**
 * Every text that has values is sent as `change` has it. The promise is ours: what the driver's own promises (pg 8.23) have
 * answered to a series of queries is freed by full garbage collections alone, which stop the process ten times as long.
 */
function changeQueries(pool: pg.Pool, change: (text: string, values: unknown[]) => pg.QueryConfig): void {
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...given: unknown[]) => unknown
    // as its overloads are called: for a promise by Kysely and the list's reader, with a callback by the pool
    client.query = ((text: unknown, values?: unknown[], callback?: Answer) => {
      const given = typeof text === 'string' && values?.length ? [change(text, values)] : [text, values]
      if (callback) return query(...given, callback)
      return new Promise((resolve, reject) => {
        query(...given, (error: unknown, result: unknown) => (error ? reject(error) : resolve(result)))
      })
    }) as typeof client.query
  })
}

type Answer = (error: unknown, result: unknown) => void
