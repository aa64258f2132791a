import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { ColumnType } from './rows.ts'
import type { Schema } from './schema.ts'

/**
 * Deletes a table's first rows of those that `where` names, in the order of `key`: a range of one index, whatever the
 * planner knows of the table.
 *
 * @param where conditions that are, with `key`, a range of one index
 * @param limit how many rows at most
 * @returns how many were deleted
 */
export async function deleteFirst(
  db: Kysely<Schema>,
  table: keyof Schema,
  { where, key, limit }: { where: RawBuilder<unknown>; key: Record<string, ColumnType>; limit: number },
): Promise<number> {
  const names = Object.keys(key)
  const columns = sql.raw(names.join(', '))
  const texts = sql.raw(names.map((name) => `cast(${name} as text) as ${name}`).join(', '))
  const { rows } = await sql<Record<string, string>>`
    /* rows.last-of-first */
    select ${texts} from (
      select ${columns} from ${sql.raw(table)} where ${where} order by ${columns} limit ${limit}) as f
    order by ${sql.raw(names.map((name) => `f.${name} desc`).join(', '))} limit 1`.execute(db)
  const [last] = rows
  if (!last) return 0
  const values = names.map((name) => (key[name] === 'bigint' ? BigInt(last[name] ?? 0) : last[name]))
  const result = await sql`
    /* rows.delete-first */
    delete from ${sql.raw(table)} where ${where} and (${columns}) <= (${sql.join(values)})`.execute(db)
  return Number(result.numAffectedRows ?? 0)
}
