import { type RawBuilder, sql } from 'kysely'
import type { Tx } from '../database/write.ts'

export async function count(tx: Tx, table: string, where: RawBuilder<unknown>): Promise<number> {
  const { rows } = await sql<{ rows: number }>`
    /* erasure.count */
    select count(*) as rows from ${sql.raw(table)} where ${where}`.execute(tx.db)
  return rows[0]?.rows ?? 0
}

/** @returns how many there were */
export async function remove(tx: Tx, table: string, where: RawBuilder<unknown>): Promise<number> {
  const result = await sql`
    /* erasure.remove */
    delete from ${sql.raw(table)} where ${where}`.execute(tx.db)
  return Number(result.numAffectedRows ?? 0)
}
