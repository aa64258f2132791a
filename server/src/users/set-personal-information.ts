import { sql } from 'kysely'
import { forUpdate, rowsTable } from '../database/rows.ts'
import { shareRules } from '../database/rules-lock.ts'
import type { Tx } from '../database/write.ts'
import { refreshLists } from '../vip-users/refresh.ts'
import { refreshDerivedUsers } from './derive-users.ts'
import type { Field } from './resolve.ts'

export interface OperatorClaims {
  orgId: number
  cuid: string
  /** who entered them */
  author: string
  /** `null` takes back what an operator entered before; the row stays, with who did it and when */
  claims: { field: Field; value: string | null }[]
}

/**
 * Writes what an operator says of a user, and brings the user's lists up to date. It is so from now on: of two
 * operators the later one is right.
 *
 * @returns what the user's fields are resolved to then; null where there is no such user: none is made by a typo
 */
export async function setPersonalInformation(
  tx: Tx,
  { orgId, cuid, author, claims }: OperatorClaims,
): Promise<Record<Field, string | null> | null> {
  await shareRules(tx, orgId)
  const { rows } = await sql<{ user_key: number }>`
    select u.user_key from users u where u.org_id = ${orgId} and u.cuid = ${cuid} ${forUpdate(tx.db)}`.execute(tx.db)
  const userKey = rows[0]?.user_key
  if (userKey === undefined) return null
  const entered = claims.map(({ field, value }) => ({ field, value }))
  await sql`
    insert into personal_information (org_id, user_key, field, source, value, author, event_timestamp,
      arrived_timestamp)
    select ${orgId}, ${userKey}, k.field, 'operator', k.value, ${author}, ${tx.now}, ${tx.now}
    from ${rowsTable(tx.db, 'k', { field: 'text', value: 'text' }, entered)}
    where true
    on conflict (org_id, user_key, field, source)
    do update set value = excluded.value, author = excluded.author, event_timestamp = excluded.event_timestamp,
      arrived_timestamp = excluded.arrived_timestamp`.execute(tx.db)
  await refreshDerivedUsers(tx, orgId, [userKey])
  await refreshLists(tx, orgId, [userKey])
  return await tx.db
    .selectFrom('users as u')
    .select(['u.first_name as firstName', 'u.last_name as lastName', 'u.birthday'])
    .where('u.org_id', '=', orgId)
    .where('u.user_key', '=', userKey)
    .executeTakeFirstOrThrow()
}
