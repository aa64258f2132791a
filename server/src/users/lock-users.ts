import { sql } from 'kysely'
import { hasRowLocks, joinEach, newKey, rowsTable, userKeysTable } from '../database/rows.ts'
import type { Tx } from '../database/write.ts'

export interface LockedUser {
  user_key: number
  cuid: string
  /** text, since it may pass 2^53 */
  purchases_micros: string
  /** where the chain of the user's purchases begins */
  last_purchase_id: string | null
}

export interface LockedUsers {
  keyOf: Map<string, number>
  /** by key */
  users: Map<number, LockedUser>
  /** the users that this call made */
  created: Set<number>
}

/**
 * Locks users by their `cuid` until the commit and makes those that are new. Those that are there are locked in the
 * order of their keys, then the others made in the order of their cuids and locked: two writes can wait for each other
 * in a circle only where both meet users that a third has just made, and then one of them is tried again. A write does
 * this once, after its conversations and before anything else.
 *
 * @param alsoKeys users that the write touches and knows by their keys
 */
export async function lockUsers(
  tx: Tx,
  orgId: number,
  cuids: Iterable<string>,
  alsoKeys: Iterable<number> = [],
): Promise<LockedUsers> {
  const wanted = new Set(cuids)
  const locked: LockedUsers = { keyOf: new Map(), users: new Map(), created: new Set() }
  await find(tx, orgId, wanted.union(await readCuids(tx, orgId, [...alsoKeys])), locked)
  const missing = [...wanted].filter((cuid) => !locked.keyOf.has(cuid)).sort()
  if (missing.length > 0) {
    await create(tx, orgId, missing, locked)
    await find(tx, orgId, missing, locked)
  }
  return locked
}

async function readCuids(tx: Tx, orgId: number, userKeys: number[]): Promise<Set<string>> {
  if (userKeys.length === 0) return new Set()
  const { rows } = await sql<{ cuid: string }>`
    /* users.cuids */
    select u.cuid
    from ${userKeysTable(tx.db, userKeys)} ${joinEach(tx.db, 'users', 'u', sql`u.org_id = ${orgId} and u.user_key = k.user_key`)}`.execute(
    tx.db,
  )
  return new Set(rows.map((row) => row.cuid))
}

async function create(tx: Tx, orgId: number, missing: string[], { created }: LockedUsers): Promise<void> {
  const { rows } = await sql<{ user_key: number }>`
    /* users.create */
    insert into users (org_id, user_key, cuid)
    select ${orgId}, ${newKey(tx.db, 'users', 'user_key', orgId)}, k.cuid
    from ${cuidsTable(tx, missing)}
    where true
    on conflict (org_id, cuid) do nothing
    returning user_key`.execute(tx.db)
  for (const { user_key } of rows) created.add(user_key)
}

/** Finds and locks those that are there. */
async function find(tx: Tx, orgId: number, wanted: Iterable<string>, locked: LockedUsers): Promise<void> {
  const { rows } = await sql<LockedUser>`
    /* users.lock */
    select u.user_key, u.cuid, cast(u.purchases_micros as text) as purchases_micros, u.last_purchase_id
    from ${cuidsTable(tx, [...wanted])}
      join users u on u.org_id = ${orgId} and u.cuid = k.cuid
    ${inKeyOrder(tx)}`.execute(tx.db)
  for (const row of rows) {
    locked.keyOf.set(row.cuid, row.user_key)
    locked.users.set(row.user_key, row)
  }
}

function cuidsTable(tx: Tx, cuids: string[]) {
  return rowsTable(
    tx.db,
    'k',
    { cuid: 'text' },
    cuids.map((cuid) => ({ cuid })),
  )
}

/** A lock is taken as the row is read, so that the order of the rows is the order of the locks. */
function inKeyOrder(tx: Tx) {
  return hasRowLocks(tx.db) ? sql`order by u.user_key for update of u` : sql``
}

/** Locks users by their keys, in order, until the commit. */
export async function lockUserKeys(tx: Tx, orgId: number, userKeys: number[]): Promise<void> {
  if (!hasRowLocks(tx.db)) return
  await sql`
    /* users.lock-keys */
    select u.user_key
    from ${userKeysTable(tx.db, [...new Set(userKeys)])}
      join users u on u.org_id = ${orgId} and u.user_key = k.user_key
    ${inKeyOrder(tx)}`.execute(tx.db)
}
