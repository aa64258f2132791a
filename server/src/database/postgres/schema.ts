import { type Kysely, sql } from 'kysely'
import type { DialectSchema, MigrationTypes } from '../migrate.ts'
import type { Schema } from '../schema.ts'

const types: MigrationTypes = {
  int: 'bigint',
  key: 'bigint',
  text: 'text collate "C"',
  // with room for a row's next version on its own page, no index has to be told of it
  table: (name, columns, options) =>
    `create table ${name} (${columns})${options?.updated ? ' with (fillfactor = 80)' : ''}`,
  coverKey: (table, key, column) => [
    `alter table ${table} drop constraint ${table}_pkey`,
    `alter table ${table} add primary key (${key.join(', ')}) include (${column})`,
  ],
  sequence: (table) => [`create sequence ${table}_keys`],
}

/**
 * PostgreSQL keeps its own figures, and with them a sample of values: not of what tells of a person, which would outlive
 * the row. No query searches by it.
 */
const UNSAMPLED: Record<string, string[]> = {
  users: ['first_name', 'last_name', 'birthday'],
  properties: ['value'],
  personal_information: ['value', 'author'],
  conversations: ['user_name', 'first_name', 'last_name', 'profile_pic'],
  idempotent_answers: ['result'],
  vip_users: ['row'],
}

const afterMigration = Object.entries(UNSAMPLED).flatMap(([table, columns]) =>
  columns.map((column) => `alter table ${table} alter column ${column} set statistics 0`),
)

async function describe(db: Kysely<Schema>): Promise<string[]> {
  const { rows } = await sql<{ line: string }>`
    select c.table_name || '.' || c.column_name || ' ' || c.data_type || coalesce(' collate ' || c.collation_name, '')
      || case c.is_nullable when 'NO' then ' not null' else '' end
      || coalesce(' default ' || c.column_default, '') as line
    from information_schema.columns c where c.table_schema = current_schema()
    union all
    select replace(i.indexdef, i.schemaname || '.', '') from pg_indexes i where i.schemaname = current_schema()
    union all
    select 'check ' || r.relname || ' ' || pg_get_constraintdef(k.oid)
    from pg_constraint k join pg_class r on r.oid = k.conrelid
    where k.contype = 'c' and k.connamespace = current_schema()::regnamespace
    union all
    select pg_get_triggerdef(t.oid, true)
    from pg_trigger t join pg_class r on r.oid = t.tgrelid
    where not t.tgisinternal and r.relnamespace = current_schema()::regnamespace
    order by 1`.execute(db)
  return rows.map((row) => row.line)
}

export const postgresSchema: DialectSchema = { types, afterMigration, describe }
