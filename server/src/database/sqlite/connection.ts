import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { Kysely, SqliteDialect } from 'kysely'
import type { Schema } from '../schema.ts'

/** How long a statement waits for another process's write; an import beside a server holds the store for 50 ms. */
const BUSY_TIMEOUT_MS = 10_000
/** Pages kept in memory, in KiB (negative: SQLite's own unit); a smaller cache reads a large list from the file. */
const CACHE_KIB = -131_072

export interface SqliteConnection {
  database: DatabaseSync
  db: Kysely<Schema>
}

/** Opens the store's file: WAL, every commit synced to the disk before it is answered. */
export function openConnection(path: string): SqliteConnection {
  const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS })
  database.exec(`pragma journal_mode = wal; pragma synchronous = full; pragma cache_size = ${CACHE_KIB}`)
  const db = kyselyOver(database)
  databases.set(db, database)
  return { database, db }
}

const databases = new WeakMap<object, DatabaseSync>()

function prepare(db: object, text: string): StatementSync {
  const database = databases.get(db)
  if (!database) throw new Error('Not a connection of an SQLite store')
  return database.prepare(text)
}

/** The rows of a query one by one, while other statements run on the same connection; Kysely's own stream locks it. */
export function iterateRows(db: Kysely<Schema>, text: string, parameters: readonly unknown[]): Iterable<unknown> {
  return prepare(db, text).iterate(...(parameters as never[]))
}

/** Runs a statement once with each of these lists of parameters; through Kysely each would take several times as long. */
export function runEach<S>(db: Kysely<S>, text: string, lists: Iterable<readonly unknown[]>): void {
  const statement = prepare(db, text)
  for (const parameters of lists) statement.run(...(parameters as never[]))
}

function kyselyOver(database: DatabaseSync): Kysely<Schema> {
  const prepared = new Map<string, ReturnType<typeof adapt>>()
  return new Kysely<Schema>({
    dialect: new SqliteDialect({
      database: {
        close: () => database.close(),
        prepare: (text) => {
          const known = prepared.get(text)
          if (known) return known
          const statement = adapt(database.prepare(text))
          prepared.set(text, statement)
          return statement
        },
      },
    }),
  })
}

function adapt(statement: StatementSync) {
  return {
    reader: statement.columns().length > 0,
    all: (parameters: readonly unknown[]) => statement.all(...(parameters as never[])),
    run: (parameters: readonly unknown[]) => statement.run(...(parameters as never[])),
    iterate: (parameters: readonly unknown[]) => statement.iterate(...(parameters as never[])),
  }
}
