import { type Kysely, PostgresAdapter } from 'kysely'

/** Which of the two stores a connection belongs to; asked only inside this folder. */
export function isPostgres<S>(db: Kysely<S>): boolean {
  return db.getExecutor().adapter instanceof PostgresAdapter
}
