import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { takeUser } from '../conversations/merge-conversation.ts'
import { shareRules } from '../database/rules-lock.ts'
import type { Tx } from '../database/write.ts'
import { errors } from '../http/errors.ts'
import { refreshDerivedUsers } from '../users/derive-users.ts'
import { lockUsers } from '../users/lock-users.ts'
import { refreshLists } from '../vip-users/refresh.ts'
import { type LockedLink, lockLinks, writeTies } from './lock-links.ts'

/** The first moment that a `Date` knows, ms: whatever the customer says of the person is later, and wins. */
const BEFORE_EVERYTHING = -8_640_000_000_000_000
const OWN_ID_BYTES = 12

export interface Conversion {
  orgId: number
  linkId: string
  /** whether a person whom the customer has given no id is identified under one of our own */
  identifyUserWithD10xUserId: boolean
}

/**
 * Records that the person behind a link converted; of several times the first counts.
 *
 * @returns the `cuid` of the user whom the person is identified as
 * @throws ApiError 404 where the link is not there or another organization's
 * @see contract, audience (`POST /markConversion`)
 */
export async function markConversion(tx: Tx, conversion: Conversion): Promise<string | null> {
  const { orgId, linkId, identifyUserWithD10xUserId } = conversion
  await shareRules(tx, orgId)
  const link = (await lockLinks(tx, orgId, [linkId])).get(linkId)
  if (!link) throw errors.unknownLinks([{ index: 0, d10xLinkId: linkId }])
  if (link.convertedTimestamp === null) {
    await tx.db
      .updateTable('links')
      .set({ converted_timestamp: tx.now })
      .where('org_id', '=', orgId)
      .where('link_id', '=', linkId)
      .execute()
  }
  if (link.tie.user_key === null && identifyUserWithD10xUserId) await identifyByOwnId(tx, orgId, link)
  return link.tie.user_key === null ? null : await readCuid(tx, orgId, link.tie.user_key)
}

async function identifyByOwnId(tx: Tx, orgId: number, link: LockedLink): Promise<void> {
  const cuid = `d10x_${randomBytes(OWN_ID_BYTES).toString('hex')}`
  const { users } = await lockUsers(tx, orgId, [cuid])
  const userKey = users.get(cuid)?.user_key
  if (userKey === undefined || !takeUser(link.tie, userKey, BEFORE_EVERYTHING)) return
  await writeTies(tx, orgId, [link])
  await refreshDerivedUsers(tx, orgId, [userKey])
  await refreshLists(tx, orgId, [userKey])
}

async function readCuid(tx: Tx, orgId: number, userKey: number): Promise<string | null> {
  const { rows } = await sql<{ cuid: string }>`
    /* users.cuid */
    select u.cuid from users u where u.org_id = ${orgId} and u.user_key = ${userKey}`.execute(tx.db)
  return rows[0]?.cuid ?? null
}
