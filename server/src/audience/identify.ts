import { takeUser } from '../conversations/merge-conversation.ts'
import { shareRules } from '../database/rules-lock.ts'
import type { Tx } from '../database/write.ts'
import { readErasures } from '../erasure/erased-facts.ts'
import { errors } from '../http/errors.ts'
import { refreshDerivedUsers } from '../users/derive-users.ts'
import { lockUsers } from '../users/lock-users.ts'
import { refreshLists } from '../vip-users/refresh.ts'
import { type LockedLink, lockLinks, writeTies } from './lock-links.ts'

/** Says that the person behind a link is a user. */
export interface Identification {
  linkId: string
  cuid: string
  /** epoch ms: since when that is so */
  eventTimestamp: number
}

/**
 * Ties the conversations behind links to users, whose lists follow, and so do those of the users who had them. A link
 * without a conversation is tied itself, for the conversation that will come with it.
 *
 * @returns how many are dated before their user's erasure, and were dropped
 * @throws ApiError 404 where a link is not there or another organization's; nothing is tied
 * @see contract, "The Audience API"
 */
export async function identify(
  tx: Tx,
  { orgId, identifications }: { orgId: number; identifications: Identification[] },
): Promise<number> {
  await shareRules(tx, orgId)
  const links = await lockLinks(
    tx,
    orgId,
    identifications.map(({ linkId }) => linkId),
  )
  const unknown = identifications
    .map(({ linkId }, index) => ({ index, d10xLinkId: linkId }))
    .filter(({ d10xLinkId }) => !links.has(d10xLinkId))
  if (unknown.length > 0) throw errors.unknownLinks(unknown)

  const isErased = await readErasures(tx, orgId, identifications.map(dateOf))
  const dated = identifications.filter((identification) => !isErased(dateOf(identification)))
  const former = [...links.values()].flatMap(({ tie }) => tie.user_key ?? [])
  const { users, created } = await lockUsers(
    tx,
    orgId,
    dated.map(({ cuid }) => cuid),
    { alsoKeys: former },
  )
  const changed = new Map<LockedLink['tie'], LockedLink>()
  const concerned = new Set(created)
  for (const { linkId, cuid, eventTimestamp } of dated) {
    const link = links.get(linkId)
    const userKey = users.get(cuid)?.user_key
    if (!link || userKey === undefined) continue
    const formerKey = link.tie.user_key
    if (!takeUser(link.tie, userKey, eventTimestamp)) continue
    changed.set(link.tie, link)
    concerned.add(userKey)
    if (formerKey !== null) concerned.add(formerKey)
  }
  await writeTies(tx, orgId, [...changed.values()])
  await refreshDerivedUsers(tx, orgId, [...concerned])
  await refreshLists(tx, orgId, [...concerned])
  return identifications.length - dated.length
}

const dateOf = ({ cuid, eventTimestamp }: Identification) => ({ cuid, timestamp: eventTimestamp })
