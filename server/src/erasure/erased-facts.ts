import { sql } from 'kysely'
import { joinEach, rowsTable } from '../database/rows.ts'
import type { Tx } from '../database/write.ts'
import { hashUser } from './user-hash.ts'

/** When something was so of a user, or of nobody known (`null`). */
interface Dated {
  cuid: string | null
  /** epoch ms */
  timestamp: number
}

/** Whether a fact of this time is dated before its user was erased: then it is dropped. */
export type IsErased = (fact: Dated) => boolean

const NONE_IS: IsErased = () => false

/**
 * What erasures mean for facts that arrive. Mostly nothing: one look into an index says that no user of the
 * organization was erased after the oldest of them. The caller shares the rules, so that no erasure comes between
 * the answer and what is made of it.
 *
 * @see contract, audience, "Erasure is complete"
 */
export async function readErasures(tx: Tx, orgId: number, facts: readonly Dated[]): Promise<IsErased> {
  const { rows } = await sql<{ newest: number | null }>`
    /* erased-users.newest */
    select max(e.erased_timestamp) as newest from erased_users e where e.org_id = ${orgId}`.execute(tx.db)
  const newest = rows[0]?.newest ?? null
  if (newest === null) return NONE_IS
  const doubtful = new Set(facts.flatMap(({ cuid, timestamp }) => (cuid !== null && timestamp < newest ? cuid : [])))
  if (doubtful.size === 0) return NONE_IS
  const cuidOf = new Map([...doubtful].map((cuid) => [hashUser(tx.erasureKey, orgId, cuid), cuid]))
  const hashes = [...cuidOf.keys()].map((user_hash) => ({ user_hash }))
  const found = await sql<{ user_hash: string; erased_timestamp: number }>`
    /* erased-users.find */
    select e.user_hash, e.erased_timestamp
    from ${rowsTable(tx.db, 'k', { user_hash: 'text' }, hashes)}
      ${joinEach(tx.db, 'erased_users', 'e', sql`e.org_id = ${orgId} and e.user_hash = k.user_hash`)}`.execute(tx.db)
  const erasedAt = new Map(found.rows.map((row) => [cuidOf.get(row.user_hash) ?? null, row.erased_timestamp]))
  return ({ cuid, timestamp }) => cuid !== null && timestamp < (erasedAt.get(cuid) ?? Number.NEGATIVE_INFINITY)
}
