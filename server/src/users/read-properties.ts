import { sql } from 'kysely'
import { rowsTable, userKeysTable } from '../database/rows.ts'
import type { Tx } from '../database/write.ts'
import type { PropertyValue } from '../workspaces/vip-indicator.ts'

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
    from ${userKeysTable(tx.db, userKeys)}
      cross join ${rowsTable(
        tx.db,
        'n',
        { key: 'text' },
        keys.map((key) => ({ key })),
      )}
      join properties p on p.org_id = ${orgId} and p.user_key = k.user_key and p.key = n.key
    where p.value is not null`.execute(tx.db)
  for (const { user_key, key, value } of rows) {
    byUser.getOrInsertComputed(user_key, () => new Map()).set(key, JSON.parse(value) as PropertyValue)
  }
  return byUser
}
