import { type Kysely, sql } from 'kysely'
import { rowsTable, userKeysTable } from '../database/rows.ts'
import type { Schema } from '../database/schema.ts'
import type { Tx } from '../database/write.ts'
import { parseLtv } from './money.ts'
import { type Claim, FIELD_OF_PROPERTY, type Field, resolvePersonalInformation, type Source } from './resolve.ts'

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
  await sql`
    /* users.derive */
    update users as u
    set ltv_property_micros = k.ltv_property_micros, first_name = k.first_name, last_name = k.last_name,
      birthday = k.birthday
    from ${rowsTable(
      tx.db,
      'k',
      DERIVED_TYPES,
      derived.map((user) => ({ ...user })),
    )}
    where u.org_id = ${orgId} and u.user_key = k.user_key
      and (u.ltv_property_micros is distinct from k.ltv_property_micros or u.first_name is distinct from k.first_name
        or u.last_name is distinct from k.last_name or u.birthday is distinct from k.birthday)`.execute(tx.db)
}

/** What the facts of these users say now, in the order of `userKeys`. */
export async function deriveUsers(db: Kysely<Schema>, orgId: number, userKeys: number[]): Promise<DerivedUser[]> {
  const claims = new Map<number, Claim[]>(userKeys.map((userKey) => [userKey, []]))
  const ltv = new Map<number, bigint>()
  for (const property of await readClaimingProperties(db, orgId, userKeys)) {
    const value: unknown = JSON.parse(property.value)
    const field = FIELD_OF_PROPERTY.get(property.key)
    if (field) claims.get(property.user_key)?.push(claimOf(property, field, 'properties', value, property.key))
    else {
      const micros = parseLtv(value)
      if (micros !== null) ltv.set(property.user_key, micros)
    }
  }
  for (const claim of await readClaims(db, orgId, userKeys)) claims.get(claim.user_key)?.push(claim)
  return userKeys.map((userKey) => {
    const information = resolvePersonalInformation(claims.get(userKey) ?? [])
    return {
      user_key: userKey,
      ltv_property_micros: ltv.get(userKey) ?? null,
      first_name: information.firstName,
      last_name: information.lastName,
      birthday: information.birthday,
    }
  })
}

interface ClaimTimes {
  event_timestamp: number
  arrived_timestamp: number
}

function claimOf(times: ClaimTimes, field: Field, source: Source, value: unknown, order: string): Claim {
  const { event_timestamp: eventTimestamp, arrived_timestamp: arrivedTimestamp } = times
  return { field, source, value, eventTimestamp, arrivedTimestamp, order }
}

async function readClaimingProperties(db: Kysely<Schema>, orgId: number, userKeys: number[]) {
  const names = ['ltv', ...FIELD_OF_PROPERTY.keys()].map((key) => ({ key }))
  const { rows } = await sql<{ user_key: number; key: string; value: string } & ClaimTimes>`
    /* properties.claims */
    select p.user_key, p.key, p.value, p.event_timestamp, p.arrived_timestamp
    from ${userKeysTable(db, userKeys)}
      cross join ${rowsTable(db, 'n', { key: 'text' }, names)}
      join properties p on p.org_id = ${orgId} and p.user_key = k.user_key and p.key = n.key
    where p.value is not null`.execute(db)
  return rows
}

/** Operators' and chat's claims, and those of the platform profiles of the users' conversations. */
async function readClaims(
  db: Kysely<Schema>,
  orgId: number,
  userKeys: number[],
): Promise<(Claim & { user_key: number })[]> {
  const entered = await sql<{ user_key: number; field: Field; source: Source; value: string } & ClaimTimes>`
    /* personal-information.claims */
    select i.user_key, i.field, i.source, i.value, i.event_timestamp, i.arrived_timestamp
    from ${userKeysTable(db, userKeys)}
      join personal_information i on i.org_id = ${orgId} and i.user_key = k.user_key
    where i.value is not null`.execute(db)
  const profiles = await sql<{
    user_key: number
    conversation_id: string
    first_name: string | null
    first_name_timestamp: number | null
    last_name: string | null
    last_name_timestamp: number | null
  }>`
    /* conversations.claims */
    select c.user_key, c.conversation_id, c.first_name, c.first_name_timestamp, c.last_name, c.last_name_timestamp
    from ${userKeysTable(db, userKeys)}
      join conversations c on c.org_id = ${orgId} and c.user_key = k.user_key`.execute(db)
  return [
    ...entered.rows.map((row) => ({
      user_key: row.user_key,
      ...claimOf(row, row.field, row.source, row.value, ''),
    })),
    ...profiles.rows.flatMap((row) =>
      (
        [
          ['firstName', row.first_name, row.first_name_timestamp],
          ['lastName', row.last_name, row.last_name_timestamp],
        ] as const
      ).map(([field, value, timestamp]) => {
        const times = { event_timestamp: timestamp ?? 0, arrived_timestamp: timestamp ?? 0 }
        return { user_key: row.user_key, ...claimOf(times, field, 'platform', value, row.conversation_id) }
      }),
    ),
  ]
}
