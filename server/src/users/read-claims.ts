import { type Kysely, sql } from 'kysely'
import { joinEach, userKeysTable } from '../database/rows.ts'
import type { Schema } from '../database/schema.ts'
import { propertiesTable } from './read-properties.ts'
import { type Claim, FIELD_OF_PROPERTY, type Saying, type Source } from './resolve.ts'

/** What all sources say of a user. */
export interface UserClaims {
  claims: Claim[]
  /** the property `ltv`, whatever its value is */
  ltv: Saying | null
}

/** What properties, operators, chat and the platform profiles of the users' conversations say, by `user_key`. */
export async function readClaims(
  db: Kysely<Schema>,
  orgId: number,
  userKeys: number[],
): Promise<Map<number, UserClaims>> {
  const byUser = new Map<number, UserClaims>(userKeys.map((userKey) => [userKey, { claims: [], ltv: null }]))
  for (const property of await readPropertyRows(db, orgId, userKeys)) {
    const ofUser = byUser.get(property.user_key)
    const value: unknown = property.value === null ? null : JSON.parse(property.value)
    const field = FIELD_OF_PROPERTY.get(property.key)
    const saying = sayingOf(property, 'properties', value, property.key)
    if (field) ofUser?.claims.push({ field, ...saying })
    else if (ofUser) ofUser.ltv = saying
  }
  for (const row of await readEnteredRows(db, orgId, userKeys)) {
    const saying = sayingOf(row, row.source, row.value, '', row.author)
    byUser.get(row.user_key)?.claims.push({ field: row.field, ...saying })
  }
  for (const row of await readProfileRows(db, orgId, userKeys)) {
    byUser.get(row.user_key)?.claims.push(...profileClaims(row))
  }
  return byUser
}

interface ClaimTimes {
  event_timestamp: number
  arrived_timestamp: number
}

function sayingOf(
  times: ClaimTimes,
  source: Source,
  value: unknown,
  origin: string,
  author: string | null = null,
): Saying {
  const { event_timestamp: eventTimestamp, arrived_timestamp: arrivedTimestamp } = times
  return { source, value, eventTimestamp, arrivedTimestamp, origin, author }
}

/** The keys of the properties that a user's LTV, names and birthday are derived from. */
export const CLAIMING_KEYS: ReadonlySet<string> = new Set(['ltv', ...FIELD_OF_PROPERTY.keys()])

async function readPropertyRows(db: Kysely<Schema>, orgId: number, userKeys: number[]) {
  const { rows } = await sql<{ user_key: number; key: string; value: string | null } & ClaimTimes>`
    /* properties.claims */
    select p.user_key, p.key, p.value, p.event_timestamp, p.arrived_timestamp
    from ${propertiesTable(db, userKeys, [...CLAIMING_KEYS])}
      ${joinEach(db, 'properties', 'p', sql`p.org_id = ${orgId} and p.user_key = k.user_key and p.key = k.key`)}`.execute(
    db,
  )
  return rows
}

type EnteredRow = Pick<Schema['personal_information'], 'user_key' | 'field' | 'source' | 'value' | 'author'>

async function readEnteredRows(db: Kysely<Schema>, orgId: number, userKeys: number[]) {
  const { rows } = await sql<EnteredRow & ClaimTimes>`
    /* personal-information.claims */
    select i.user_key, i.field, i.source, i.value, i.author, i.event_timestamp, i.arrived_timestamp
    from ${userKeysTable(db, userKeys)}
      ${joinEach(db, 'personal_information', 'i', sql`i.org_id = ${orgId} and i.user_key = k.user_key`)}`.execute(db)
  return rows
}

type ProfileRow = { user_key: number } & Pick<
  Schema['conversations'],
  | 'conversation_id'
  | 'first_name'
  | 'first_name_timestamp'
  | 'first_name_arrived_timestamp'
  | 'last_name'
  | 'last_name_timestamp'
  | 'last_name_arrived_timestamp'
>

async function readProfileRows(db: Kysely<Schema>, orgId: number, userKeys: number[]): Promise<ProfileRow[]> {
  const { rows } = await sql<ProfileRow>`
    /* conversations.claims */
    select c.user_key, c.conversation_id, c.first_name, c.first_name_timestamp, c.first_name_arrived_timestamp,
      c.last_name, c.last_name_timestamp, c.last_name_arrived_timestamp
    from ${userKeysTable(db, userKeys)}
      ${joinEach(db, 'conversations', 'c', sql`c.org_id = ${orgId} and c.user_key = k.user_key`)}`.execute(db)
  return rows
}

/** A profile never takes a name back: without one it says nothing. */
function profileClaims(row: ProfileRow): Claim[] {
  const parts = [
    ['firstName', row.first_name, row.first_name_timestamp, row.first_name_arrived_timestamp],
    ['lastName', row.last_name, row.last_name_timestamp, row.last_name_arrived_timestamp],
  ] as const
  return parts.flatMap(([field, value, eventTimestamp, arrivedTimestamp]) => {
    if (value === null) return []
    const times = { event_timestamp: eventTimestamp ?? 0, arrived_timestamp: arrivedTimestamp ?? 0 }
    return { field, ...sayingOf(times, 'platform', value, row.conversation_id) }
  })
}
