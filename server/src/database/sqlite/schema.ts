import { type Kysely, sql } from 'kysely'
import type { MigrationTypes } from '../migrate.ts'
import type { Schema } from '../schema.ts'

export const migrationTypes: MigrationTypes = {
  int: 'integer',
  key: 'integer',
  text: 'text',
  // a page of a list is one range of one tree: rows live in their primary key
  table: (name, columns, options) =>
    `create table ${name} (${columns}) strict${options?.appended ? '' : ', without rowid'}`,
  // the one writer counts on from the highest key
  sequence: () => [],
}

export async function describeSchema(db: Kysely<Schema>): Promise<string[]> {
  const { rows } = await sql<{ name: string; sql: string }>`
    select s.name, s.sql from sqlite_schema s
    where s.name not like 'sqlite_%'
    order by s.type desc, s.name`.execute(db)
  return rows.map((row) => row.sql.replaceAll(/\s+/g, ' '))
}
