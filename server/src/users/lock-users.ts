import { sql } from 'kysely'
import { hasRowLocks, newKey, rowsTable, userKeysTable } from '../database/rows.ts'
import type { Tx } from '../database/write.ts'

export interface LockedUsers {
  keyOf: ReadonlyMap<string, number>
  /** the users that this call made */
  created: ReadonlySet<number>
}

/**
 * Locks users by their `cuid` until the commit and makes those that are new. New ones are made in the order of
 * their cuids while nothing is locked, then all are locked in the order of their keys: no two writes can wait for
 * each other in a circle. A write does this once, after its conversations and before anything else.
 *
 * @param alsoKeys users that the write touches and knows by their keys
 */
export async function lockUsers(
  tx: Tx,
  orgId: number,
  cuids: Iterable<string>,
  alsoKeys: Iterable<number> = [],
): Promise<LockedUsers> {
  const wanted = [...new Set(cuids)].sort().map((cuid) => ({ cuid }))
  const keyOf = await find(tx, orgId, wanted)
  const created = new Set<number>()
  const missing = wanted.filter((user) => !keyOf.has(user.cuid))
  if (missing.length > 0) {
    const made = await sql<{ user_key: number }>`
      /* users.create */
      insert into users (org_id, user_key, cuid)
      select ${orgId}, ${newKey(tx.db, 'users', 'user_key', orgId)}, k.cuid
      from ${rowsTable(tx.db, 'k', { cuid: 'text' }, missing)}
      where true
      on conflict (org_id, cuid) do nothing
      returning user_key`.execute(tx.db)
    for (const { user_key } of made.rows) created.add(user_key)
    for (const [cuid, userKey] of await find(tx, orgId, missing)) keyOf.set(cuid, userKey)
  }
  await lockUserKeys(tx, orgId, [...keyOf.values(), ...alsoKeys])
  return { keyOf, created }
}

async function find(tx: Tx, orgId: number, wanted: { cuid: string }[]): Promise<Map<string, number>> {
  const { rows } = await sql<{ user_key: number; cuid: string }>`
    /* users.find */
    select u.user_key, u.cuid
    from ${rowsTable(tx.db, 'k', { cuid: 'text' }, wanted)}
      join users u on u.org_id = ${orgId} and u.cuid = k.cuid`.execute(tx.db)
  return new Map(rows.map((row) => [row.cuid, row.user_key]))
}

/** Locks users by their keys, in order, until the commit. */
export async function lockUserKeys(tx: Tx, orgId: number, userKeys: number[]): Promise<void> {
  if (!hasRowLocks(tx.db)) return
  await sql`
    /* users.lock */
    select u.user_key
    from ${userKeysTable(tx.db, [...new Set(userKeys)])}
      join users u on u.org_id = ${orgId} and u.user_key = k.user_key
    order by u.user_key for update`.execute(tx.db)
}
