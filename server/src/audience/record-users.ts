import { sql } from 'kysely'
import { joinEach, rowsTable, updateEach } from '../database/rows.ts'
import { shareRules } from '../database/rules-lock.ts'
import { together } from '../database/together.ts'
import type { Tx } from '../database/write.ts'
import { type IsErased, readErasures } from '../erasure/erased-facts.ts'
import { errors } from '../http/errors.ts'
import { refreshDerivedUsers } from '../users/derive-users.ts'
import { lockUsers } from '../users/lock-users.ts'
import { CLAIMING_KEYS } from '../users/read-claims.ts'
import { isRejectedBirthday } from '../users/resolve.ts'
import { refreshLists } from '../vip-users/refresh.ts'
import { readTargets } from '../vip-users/targets.ts'
import type { PropertyValue } from '../workspaces/vip-indicator.ts'

/** What is reported of one user at one time. */
export interface UserReport {
  cuid: string
  /** `null` removes the property */
  properties: { key: string; value: PropertyValue | null }[]
  /** epoch ms of the latest app open, where one is reported */
  lastAppOpenTimestamp: number | null
  /** epoch ms: when the properties were so */
  eventTimestamp: number
}

export interface RecordedUsers {
  /** for each report whether it changed something; `erased`: it is dated before its user's erasure, and dropped */
  outcomes: ('recorded' | 'unchanged' | 'erased')[]
  /** properties that should be birthdays and are none */
  rejectedBirthdays: number
}

const MAX_PROPERTIES = 500

/**
 * Records properties and app opens, and brings their users' lists up to date. Of two values of a property the
 * later event time wins, whatever came first; of equal times the later arrival.
 *
 * @throws ApiError 422 where a user would have more than 500 properties; nothing is recorded
 * @see contract, audience
 */
export async function recordUsers(
  tx: Tx,
  { orgId, users }: { orgId: number; users: UserReport[] },
): Promise<RecordedUsers> {
  const [, isErased, targets] = await together(
    tx,
    () => shareRules(tx, orgId),
    () => readErasures(tx, orgId, users.flatMap(datesOf)),
    () => readTargets(tx, orgId),
  )
  const { users: locked, created } = await lockUsers(
    tx,
    orgId,
    users.flatMap((user) => (isErased(dateOf(user)) ? [] : user.cuid)),
  )
  const reports = users.map((user) => ({
    ...withoutErased(user, isErased),
    userKey: locked.get(user.cuid)?.user_key ?? 0,
  }))
  const written = await writeProperties(tx, orgId, reports)
  const opened = await writeAppOpens(tx, orgId, reports)
  const claimants = usersWith(written, CLAIMING_KEYS)
  if (claimants.size > 0) await refreshDerivedUsers(tx, orgId, [...claimants])
  const judged = usersWith(written, new Set(targets.flatMap(({ rule }) => rule?.propertyKeys ?? [])))
  // no list tells of the other properties
  await refreshLists(tx, orgId, [...new Set([...claimants, ...judged, ...opened, ...created])], { targets })
  const changed = new Set([...written.keys(), ...opened, ...created])
  return {
    outcomes: reports.map((report) => {
      if (isErased(dateOf(report))) return 'erased'
      return changed.has(report.userKey) ? 'recorded' : 'unchanged'
    }),
    rejectedBirthdays: countRejectedBirthdays(reports, tx.now),
  }
}

const dateOf = ({ cuid, eventTimestamp }: UserReport) => ({ cuid, timestamp: eventTimestamp })

function datesOf(user: UserReport) {
  const { cuid, lastAppOpenTimestamp } = user
  return lastAppOpenTimestamp === null ? dateOf(user) : [dateOf(user), { cuid, timestamp: lastAppOpenTimestamp }]
}

/** What is left of a report: an app open may be dated before its user's erasure though the report is not. */
function withoutErased(user: UserReport, isErased: IsErased): UserReport {
  if (isErased(dateOf(user))) return { ...user, properties: [], lastAppOpenTimestamp: null }
  const { cuid, lastAppOpenTimestamp } = user
  if (lastAppOpenTimestamp === null || !isErased({ cuid, timestamp: lastAppOpenTimestamp })) return user
  return { ...user, lastAppOpenTimestamp: null }
}

function countRejectedBirthdays(users: UserReport[], arrivedTimestamp: number): number {
  let count = 0
  for (const { properties } of users) {
    for (const { key, value } of properties) if (isRejectedBirthday(key, value, arrivedTimestamp)) count += 1
  }
  return count
}

type KeyedReport = UserReport & { userKey: number }

/** By user: the keys of the properties that changed. */
type WrittenProperties = Map<number, string[]>

function usersWith(written: WrittenProperties, keys: ReadonlySet<string>): Set<number> {
  return new Set([...written].flatMap(([userKey, changed]) => (changed.some((key) => keys.has(key)) ? userKey : [])))
}

async function writeProperties(tx: Tx, orgId: number, reports: KeyedReport[]): Promise<WrittenProperties> {
  const latest = new Map<string, { user_key: number; key: string; value: string | null; event_timestamp: number }>()
  for (const { userKey, properties, eventTimestamp } of reports) {
    for (const { key, value } of properties) {
      const id = `${userKey} ${key}`
      if ((latest.get(id)?.event_timestamp ?? Number.NEGATIVE_INFINITY) > eventTimestamp) continue
      const text = value === null ? null : JSON.stringify(value)
      latest.set(id, { user_key: userKey, key, value: text, event_timestamp: eventTimestamp })
    }
  }
  if (latest.size === 0) return new Map()
  const types = { user_key: 'bigint', key: 'text', value: 'text', event_timestamp: 'bigint' } as const
  const { rows } = await sql<{ user_key: number; key: string }>`
    /* properties.write */
    insert into properties as p (org_id, user_key, key, value, event_timestamp, arrived_timestamp)
    select ${orgId}, k.user_key, k.key, k.value, k.event_timestamp, ${tx.now}
    from ${rowsTable(tx.db, 'k', types, [...latest.values()])}
    where true
    on conflict (org_id, user_key, key)
    do update set value = excluded.value, event_timestamp = excluded.event_timestamp,
      arrived_timestamp = excluded.arrived_timestamp
    where excluded.event_timestamp > p.event_timestamp
      or (excluded.event_timestamp = p.event_timestamp and excluded.value is distinct from p.value)
    returning user_key, key`.execute(tx.db)
  const written: WrittenProperties = new Map()
  for (const { user_key, key } of rows) written.getOrInsertComputed(user_key, () => []).push(key)
  await refuseTooMany(tx, orgId, reports, [...written.keys()])
  return written
}

/** @throws ApiError 422 with every report that sets a property of a user who would have too many */
async function refuseTooMany(tx: Tx, orgId: number, reports: KeyedReport[], userKeys: number[]): Promise<void> {
  const keys = userKeys.map((user_key) => ({ user_key }))
  const { rows } = await sql<{ user_key: number }>`
    /* properties.count */
    select p.user_key
    from ${rowsTable(tx.db, 'k', { user_key: 'bigint' }, keys)}
      ${joinEach(tx.db, 'properties', 'p', sql`p.org_id = ${orgId} and p.user_key = k.user_key and p.value is not null`)}
    group by p.user_key having count(*) > ${MAX_PROPERTIES}`.execute(tx.db)
  if (rows.length === 0) return
  const full = new Set(rows.map((row) => row.user_key))
  const indexes = reports.flatMap(({ userKey, properties }, index) =>
    full.has(userKey) && properties.some(({ value }) => value !== null) ? index : [],
  )
  throw errors.tooManyProperties(indexes, MAX_PROPERTIES)
}

/** @returns the users whose latest app open moved */
async function writeAppOpens(tx: Tx, orgId: number, reports: KeyedReport[]): Promise<Set<number>> {
  const latest = new Map<number, number>()
  for (const { userKey, lastAppOpenTimestamp } of reports) {
    if (lastAppOpenTimestamp === null) continue
    latest.set(userKey, Math.max(latest.get(userKey) ?? lastAppOpenTimestamp, lastAppOpenTimestamp))
  }
  if (latest.size === 0) return new Set()
  const opens = [...latest].map(([user_key, timestamp]) => ({ user_key, timestamp }))
  const rows = await updateEach(tx.db, 'users.app-opens', { user_key: 'bigint', timestamp: 'bigint' }, opens, {
    table: 'users',
    set: (k) => sql`last_app_open_timestamp = ${k('timestamp')}`,
    on: (k) => sql`users.org_id = ${orgId} and users.user_key = ${k('user_key')}
        and (users.last_app_open_timestamp is null or users.last_app_open_timestamp < ${k('timestamp')})`,
    returning: sql<{ user_key: number }>`users.user_key`,
  })
  return new Set(rows.map((row) => row.user_key))
}
