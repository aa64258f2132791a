import { type Kysely, sql } from 'kysely'
import { isPostgres } from './dialect.ts'
import type { Schema } from './schema.ts'

export interface Key {
  table: string
  columns: string[]
}

/** Every primary key, unique key and index of the live store, with its columns in order. */
export async function describeKeys(db: Kysely<Schema>): Promise<Key[]> {
  const query = isPostgres(db)
    ? sql<{ name: string; table: string; column: string }>`
        select i.relname as name, t.relname as "table", a.attname as "column"
        from pg_index x
          join pg_class i on i.oid = x.indexrelid
          join pg_class t on t.oid = x.indrelid
          join unnest(x.indkey) with ordinality as k (number, place) on true
          join pg_attribute a on a.attrelid = t.oid and a.attnum = k.number
        where t.relnamespace = current_schema()::regnamespace
        order by i.relname, k.place`
    : sql<{ name: string; table: string; column: string }>`
        select l.name, t.name as "table", i.name as "column"
        from pragma_table_list t
          join pragma_index_list(t.name) l
          join pragma_index_info(l.name) i
        where t.schema = 'main' and t.name not like 'sqlite_%'
        order by l.name, i.seqno`
  const { rows } = await query.execute(db)
  return Map.groupBy(rows, (row) => row.name)
    .values()
    .map((columns) => ({ table: columns[0]?.table ?? '', columns: columns.map((row) => row.column) }))
    .toArray()
}
