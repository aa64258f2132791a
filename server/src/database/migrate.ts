import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'
import { isPostgres } from './dialect.ts'
import { readMeta, writeMeta } from './meta.ts'
import { statements as first } from './migrations/0001-first.ts'
import { statements as webhooks } from './migrations/0002-webhooks.ts'
import { statements as exports } from './migrations/0003-exports.ts'
import { statements as profiles } from './migrations/0004-profiles.ts'
import { statements as exportBuckets } from './migrations/0005-export-buckets.ts'
import { statements as listOrder } from './migrations/0006-list-order.ts'
import { postgresSchema } from './postgres/schema.ts'
import type { Schema } from './schema.ts'
import { sqliteSchema } from './sqlite/schema.ts'

/** How a table is mostly written. */
export interface TableOptions {
  /** rows are added at its end and never changed */
  appended?: true
  /** rows are changed in place again and again */
  updated?: true
}

/** What a migration's DDL is written in: the same statements for both stores. */
export interface MigrationTypes {
  int: string
  /** the type of an organization's own number */
  key: string
  /** text that compares as bytes */
  text: string
  table: (name: string, columns: string, options?: TableOptions) => string
  /** lets who walks a table by its primary key read this column without the rows */
  coverKey: (table: string, key: string[], column: string) => string[]
  /** what makes new integer keys of a table */
  sequence: (table: string) => string[]
}

/** Where the two stores differ in their schemas. */
export interface DialectSchema {
  types: MigrationTypes
  /** run once more after each migration */
  afterMigration: string[]
  describe: (db: Kysely<Schema>) => Promise<string[]>
}

/** In order; a migration that has landed is never changed. */
const MIGRATIONS = [first, webhooks, exports, profiles, exportBuckets, listOrder]

/**
 * Brings the schema to this program's version, inside the caller's transaction, which holds the store's migration lock.
 *
 * @returns how many migrations ran
 * @throws Error where the store's schema is newer than this program knows
 */
export async function migrate(tx: Kysely<Schema>, newStoreId: () => string): Promise<number> {
  const dialect = isPostgres(tx) ? postgresSchema : sqliteSchema
  await sql`create table if not exists store_meta (name text primary key, value text not null)`.execute(tx)
  const version = Number((await readMeta(tx, 'schema_version')) ?? 0)
  if (version > MIGRATIONS.length) {
    throw new Error(
      `The store has schema ${version}, this program knows ${MIGRATIONS.length}: run a newer version of Dynamo`,
    )
  }
  if (version === MIGRATIONS.length) return 0
  for (const statements of MIGRATIONS.slice(version)) {
    for (const statement of statements(dialect.types)) {
      await sql.raw(statement).execute(tx)
      // SQLite's run in the thread that is asked whether the server is ready
      await nextTurn()
    }
  }
  for (const statement of dialect.afterMigration) await sql.raw(statement).execute(tx)
  if (version === 0) await writeMeta(tx, 'store_id', newStoreId())
  await writeMeta(tx, 'schema_version', String(MIGRATIONS.length))
  await writeMeta(tx, 'schema', (await describeSchema(tx)).join('\n'))
  return MIGRATIONS.length - version
}

/** Whether the schema is this program's; a store that was never migrated is not. */
export async function isMigrated(db: Kysely<Schema>): Promise<boolean> {
  const known = isPostgres(db)
    ? sql<{ found: number }>`select count(*)::int as found from pg_tables
        where schemaname = current_schema() and tablename = 'store_meta'`
    : sql<{ found: number }>`select count(*) as found from sqlite_schema where name = 'store_meta'`
  if (!(await known.execute(db)).rows[0]?.found) return false
  return Number((await readMeta(db, 'schema_version')) ?? 0) === MIGRATIONS.length
}

/** A line for each table, column, index, check and trigger that the live store has. */
export function describeSchema(db: Kysely<Schema>): Promise<string[]> {
  return (isPostgres(db) ? postgresSchema : sqliteSchema).describe(db)
}
