import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { Kysely, SqliteDialect } from 'kysely'
import type { Schema } from '../schema.ts'

/** How long a statement waits for another process's write; an import beside a server holds the store for 50 ms. */
export const BUSY_TIMEOUT_MS = 10_000
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
  const statements = new Map<string, Statement>()
  const prepare = (text: string) => statements.getOrInsertComputed(text, () => adapt(database.prepare(text)))
  const db = new Kysely<Schema>({
    dialect: new SqliteDialect({ database: { close: () => database.close(), prepare } }),
  })
  connections.set(db, { database, prepare })
  return { database, db }
}

type Statement = ReturnType<typeof adapt>

/** Rows as Kysely expects them. Those that `node:sqlite` makes itself take twice as long to make and to look into. */
function adapt(statement: StatementSync) {
  const names = statement.columns().map(({ name }) => name)
  statement.setReturnArrays(true)
  const toRow = (values: unknown): Record<string, unknown> => {
    const row: Record<string, unknown> = {}
    // the statement returns arrays
    for (const [index, value] of (values as unknown[]).entries()) row[names[index] ?? ''] = value
    return row
  }
  return {
    reader: names.length > 0,
    all: (parameters: readonly unknown[]) => statement.all(...(parameters as never[])).map(toRow),
    run: (parameters: readonly unknown[]) => statement.run(...(parameters as never[])),
    iterate: (parameters: readonly unknown[]) => statement.iterate(...(parameters as never[])).map(toRow),
  }
}

/** What a connection's Kysely runs on. */
const connections = new WeakMap<object, { database: DatabaseSync; prepare: (text: string) => Statement }>()

function connectionOf(db: object) {
  const known = connections.get(db)
  if (!known) throw new Error('Not a connection of an SQLite store')
  return known
}

/** The rows of a query one by one, while other statements run on the same connection; Kysely's own stream locks it. */
export function iterateRows(db: Kysely<Schema>, text: string, parameters: readonly unknown[]): Iterable<unknown> {
  return adapt(connectionOf(db).database.prepare(text)).iterate(parameters)
}

/**
 * Runs a statement once with each of these lists of parameters; through Kysely each would take several times as long.
 *
 * @returns all rows that it returned
 */
export function runEach<S>(db: Kysely<S>, text: string, lists: Iterable<readonly unknown[]>): unknown[] {
  const { reader, run, all } = connectionOf(db).prepare(text)
  const rows: unknown[] = []
  for (const parameters of lists) {
    if (reader) rows.push(...all(parameters))
    else run(parameters)
  }
  return rows
}
