import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import type { Schema } from '../schema.ts'

/** Connections a server holds at most; more only queue inside PostgreSQL. */
const MAX_CONNECTIONS = 10
const CONNECT_TIMEOUT_MS = 5_000
const INT8_OID = 20

export interface PostgresConnection {
  pool: pg.Pool
  db: Kysely<Schema>
}

/** Opens a pool. 64-bit integers are read as numbers: what may pass 2^53 is selected as text. */
export function openPool(url: string, maxConnections = MAX_CONNECTIONS): PostgresConnection {
  const pool = new pg.Pool({
    connectionString: url,
    max: maxConnections,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'dynamo',
    // an answered write is on the disk, whatever the server's default is
    options: '-c synchronous_commit=on',
    types: {
      getTypeParser: (oid: number, format?: 'text' | 'binary') =>
        oid === INT8_OID ? Number : pg.types.getTypeParser(oid, format as 'text'),
    } as pg.CustomTypesConfig,
  })
  // a connection that the server closed is replaced by the pool; the query under way, or the next, tells what is wrong
  pool.on('error', () => undefined)
  // without it one that is lost between two queries of a transaction ends the process
  pool.on('connect', (client) => client.on('error', () => undefined))
  return { pool, db: new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) }) }
}
