import { type Kysely, sql } from 'kysely'
import { updateEach } from '../database/rows.ts'
import type { Schema } from '../database/schema.ts'
import type { Tx } from '../database/write.ts'
import { parseLtv } from './money.ts'
import { readClaims } from './read-claims.ts'
import { resolvePersonalInformation } from './resolve.ts'

/** What is derived from a user's facts, purchases aside. */
export interface DerivedUser {
  user_key: number
  ltv_property_micros: bigint | null
  first_name: string | null
  last_name: string | null
  birthday: string | null
}

const DERIVED_TYPES = {
  user_key: 'bigint',
  ltv_property_micros: 'bigint',
  first_name: 'text',
  last_name: 'text',
  birthday: 'text',
} as const

/** Derives personal information and the `ltv` property of these users from their facts, and stores what changed. */
export async function refreshDerivedUsers(tx: Tx, orgId: number, userKeys: number[]): Promise<void> {
  const derived = await deriveUsers(tx.db, orgId, userKeys)
  await updateEach(tx.db, 'users.derive', DERIVED_TYPES, derived, {
    table: 'users as u',
    set: (k) => sql`ltv_property_micros = ${k('ltv_property_micros')}, first_name = ${k('first_name')},
        last_name = ${k('last_name')}, birthday = ${k('birthday')}`,
    on: (k) => sql`u.org_id = ${orgId} and u.user_key = ${k('user_key')}
        and (u.ltv_property_micros is distinct from ${k('ltv_property_micros')}
          or u.first_name is distinct from ${k('first_name')} or u.last_name is distinct from ${k('last_name')}
          or u.birthday is distinct from ${k('birthday')})`,
  })
}

/** What the facts of these users say now, in the order of `userKeys`. */
export async function deriveUsers(db: Kysely<Schema>, orgId: number, userKeys: number[]): Promise<DerivedUser[]> {
  const byUser = await readClaims(db, orgId, userKeys)
  return userKeys.map((userKey) => {
    const { claims = [], ltv = null } = byUser.get(userKey) ?? {}
    const { firstName, lastName, birthday } = resolvePersonalInformation(claims)
    return {
      user_key: userKey,
      ltv_property_micros: parseLtv(ltv?.value),
      first_name: firstName?.value ?? null,
      last_name: lastName?.value ?? null,
      birthday: birthday?.value ?? null,
    }
  })
}
