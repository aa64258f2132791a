import { type CompiledQuery, type Kysely, type OperationNodeSource, sql } from 'kysely'
import { isPostgres } from './dialect.ts'
import type { Schema } from './schema.ts'
import { iterateRows } from './sqlite/connection.ts'

/** Rows that are handed over at once: read in a millisecond or two. */
const FETCH_ROWS = 500

/** One that Kysely builds, or one of `sql`. */
interface Query<Row> extends OperationNodeSource {
  compile(db: Kysely<Schema>): CompiledQuery<Row>
}

/**
 * The rows of a query, however many, in parts, while other statements run on the same connection.
 *
 * @param db a snapshot: on PostgreSQL a cursor lives in its transaction
 */
export async function* streamParts<Row>(db: Kysely<Schema>, name: string, query: Query<Row>): AsyncGenerator<Row[]> {
  if (!isPostgres(db)) {
    const { sql: text, parameters } = query.compile(db)
    let part: Row[] = []
    // the query's own type says what its rows are
    for (const row of iterateRows(db, text, parameters) as Iterable<Row>) {
      if (part.push(row) < FETCH_ROWS) continue
      yield part
      part = []
    }
    yield part
    return
  }
  const cursor = sql.id(name)
  await sql`declare ${cursor} no scroll cursor for ${query}`.execute(db)
  const fetch = sql<Row>`fetch ${sql.lit(FETCH_ROWS)} from ${cursor}`
  for (let { rows } = await fetch.execute(db); rows.length > 0; { rows } = await fetch.execute(db)) yield rows
  await sql`close ${cursor}`.execute(db)
}

/** The rows of a query one by one, as `streamParts` reads them. */
export async function* streamRows<Row>(db: Kysely<Schema>, name: string, query: Query<Row>): AsyncGenerator<Row> {
  for await (const part of streamParts(db, name, query)) yield* part
}
