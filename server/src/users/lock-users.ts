import { sql } from 'kysely'
import {
  hasRowLocks,
  joinEach,
  type LockOptions,
  lockEach,
  newKey,
  rowsTable,
  userKeysTable,
} from '../database/rows.ts'
import { waitForLocks } from '../database/wait-for-locks.ts'
import type { Tx } from '../database/write.ts'

/** What a locked user has bought. */
export interface LockedUser {
  user_key: number
  cuid: string
  /** text, since it may pass 2^53 */
  purchases_micros: string
  purchases: number
  last_purchase_timestamp: number | null
  /** where the chain of the user's purchases begins */
  last_purchase_id: string | null
}

const NOTHING_BOUGHT = { purchases_micros: '0', purchases: 0, last_purchase_timestamp: null, last_purchase_id: null }

/** What a user's purchases come to: columns of `users`. */
export const PURCHASED = ['purchases_micros', 'purchases', 'last_purchase_timestamp', 'last_purchase_id'] as const

export interface LockedUsers {
  /** by `cuid` */
  users: Map<string, LockedUser>
  /** the users that this call made */
  created: Set<number>
}

/** For who makes the same users at the same time: mostly they are done by then, and long before a deadlock is looked for. */
const CREATE_WAIT_MS = 20

/**
 * Locks users by their `cuid` until the commit and makes those that are new. Those that are there are locked in the
 * order of their cuids, so that no two writes wait for each other in a circle. To make one is out of that order, and so
 * is to lock one that another write has made meanwhile: a write that would wait for long begins anew, and then makes
 * them before it locks anybody. A write does this once, after its conversations and before anything else.
 *
 * @param options  `alsoKeys`: users that the write touches and knows by their keys; `noWait`: it has locked others already, and
 *   begins anew where one of these is another's
 */
export async function lockUsers(
  tx: Tx,
  orgId: number,
  cuids: Iterable<string>,
  { alsoKeys = [], noWait = false }: { alsoKeys?: Iterable<number>; noWait?: boolean } = {},
): Promise<LockedUsers> {
  const wanted = new Set(cuids)
  const all = inLockOrder(wanted.union(await readCuids(tx, orgId, [...alsoKeys])))
  const locked: LockedUsers = { users: new Map(), created: new Set() }
  if (tx.isAgain) {
    const known = await readUserKeys(tx, orgId, [...wanted])
    await create(tx, orgId, inLockOrder(wanted.difference(known)), locked)
  }
  await find(tx, orgId, all, locked, { noWait })
  const missing = () => inLockOrder([...wanted].filter((cuid) => !locked.users.has(cuid)))
  if (missing().length > 0) await waitForLocks(tx, CREATE_WAIT_MS, () => create(tx, orgId, missing(), locked))
  if (missing().length > 0) await find(tx, orgId, missing(), locked, { noWait: true })
  return locked
}

/** In the order in which users are locked: that of their bytes, as PostgreSQL has it. */
export function inLockOrder(cuids: Iterable<string>): string[] {
  const sorted = [...cuids].sort()
  // only surrogates make the order of code units another
  return sorted.some((cuid) => SURROGATE.test(cuid)) ? sorted.sort(compareBytes) : sorted
}

const SURROGATE = /[\ud800-\udfff]/
const compareBytes = (one: string, other: string) => Buffer.compare(Buffer.from(one), Buffer.from(other))

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

/** Of those who are there, by `cuid`. */
export async function readUserKeys(tx: Tx, orgId: number, cuids: string[]): Promise<Map<string, number>> {
  if (cuids.length === 0) return new Map()
  const { rows } = await sql<{ cuid: string; user_key: number }>`
    /* users.keys */
    select u.cuid, u.user_key
    from ${cuidsTable(tx, cuids)} ${joinEach(tx.db, 'users', 'u', sql`u.org_id = ${orgId} and u.cuid = k.cuid`)}`.execute(
    tx.db,
  )
  return new Map(rows.map(({ cuid, user_key }) => [cuid, user_key]))
}

/** Makes users in this order; those whom another write has made meanwhile are not among the `locked`. */
async function create(tx: Tx, orgId: number, cuids: string[], locked: LockedUsers): Promise<void> {
  if (cuids.length === 0) return
  const { rows } = await sql<{ user_key: number; cuid: string }>`
    /* users.create */
    insert into users (org_id, user_key, cuid)
    select ${orgId}, ${newKey(tx.db, 'users', 'user_key', orgId)}, k.cuid
    from ${cuidsTable(tx, cuids)}
    where true
    on conflict (org_id, cuid) do nothing
    returning user_key, cuid`.execute(tx.db)
  for (const row of rows) {
    locked.users.set(row.cuid, { ...row, ...NOTHING_BOUGHT })
    locked.created.add(row.user_key)
  }
}

/** Finds and locks those that are there. @param options `noWait`: where one is another's, the write begins anew */
async function find(tx: Tx, orgId: number, cuids: string[], locked: LockedUsers, options?: LockOptions): Promise<void> {
  const { rows } = await sql<LockedUser>`
    /* users.lock */
    select u.user_key, u.cuid, cast(u.purchases_micros as text) as purchases_micros, u.purchases,
      u.last_purchase_timestamp, u.last_purchase_id
    from ${cuidsTable(tx, cuids)} ${lockEach(tx.db, 'users', 'u', sql`u.org_id = ${orgId} and u.cuid = k.cuid`, options)}`.execute(
    tx.db,
  )
  for (const row of rows) {
    locked.users.set(row.cuid, row)
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

/** Locks users by their keys until the commit. */
export async function lockUserKeys(tx: Tx, orgId: number, userKeys: number[]): Promise<void> {
  if (hasRowLocks(tx.db)) await lockUsers(tx, orgId, [], { alsoKeys: userKeys })
}
