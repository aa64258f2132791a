import { type Kysely, sql } from 'kysely'
import { joinEach, rowsTable } from '../database/rows.ts'
import type { Schema } from '../database/schema.ts'
import type { Tx } from '../database/write.ts'
import type { PropertyValue } from '../workspaces/vip-indicator.ts'

/** `k (user_key, key)`: these properties of these users, one row for each that there may be. */
export function propertiesTable(db: Kysely<Schema>, userKeys: number[], keys: readonly string[]) {
  const wanted = userKeys.flatMap((user_key) => keys.map((key) => ({ user_key, key })))
  return rowsTable(db, 'k', { user_key: 'bigint', key: 'text' }, wanted)
}

export async function readProperties(
  tx: Tx,
  orgId: number,
  userKeys: number[],
  keys: readonly string[],
): Promise<Map<number, Map<string, PropertyValue>>> {
  const byUser = new Map<number, Map<string, PropertyValue>>()
  if (keys.length === 0 || userKeys.length === 0) return byUser
  const { rows } = await sql<{ user_key: number; key: string; value: string }>`
    /* properties.of-users */
    select p.user_key, p.key, p.value
    from ${propertiesTable(tx.db, userKeys, keys)}
      ${joinEach(tx.db, 'properties', 'p', sql`p.org_id = ${orgId} and p.user_key = k.user_key and p.key = k.key`)}
    where p.value is not null`.execute(tx.db)
  for (const { user_key, key, value } of rows) {
    byUser.getOrInsertComputed(user_key, () => new Map()).set(key, JSON.parse(value) as PropertyValue)
  }
  return byUser
}
