import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { takeRules } from '../database/rules-lock.ts'
import type { Tx } from '../database/write.ts'
import { remove } from './remove-rows.ts'
import { hashUser } from './user-hash.ts'
import { type Counts, type Erasure, writeReceipt } from './write-receipt.ts'

/** A person on a channel, as the platform knows them. */
interface Person {
  channelKey: number
  platformUserId: string
}

/** What stands in for a `cuid` in the hash of an erased person who is no user; no `cuid` has a NUL. */
export const personName = (mediumId: string, platformUserId: string) => `\0${mediumId}\0${platformUserId}`

/**
 * Erases the conversation of somebody whom nobody has identified, and everything that is kept of them, in one
 * transaction; leaves a receipt, also of whom nothing is kept: who was not answered asks again. Who writes afterwards is
 * somebody new.
 *
 * @returns `rows`: how many were kept of them; with a `cuid` nothing was done: everything about the person hangs on that user
 */
export async function eraseConversation(
  tx: Tx,
  {
    orgId,
    mediumId,
    erasedTimestamp,
    ...person
  }: Person & { orgId: number; mediumId: string; erasedTimestamp: number },
): Promise<(Erasure & { rows: number }) | { cuid: string }> {
  await takeRules(tx, orgId)
  const conversation = await tx.db
    .selectFrom('conversations as c')
    .leftJoin('users as u', (join) => join.onRef('u.org_id', '=', 'c.org_id').onRef('u.user_key', '=', 'c.user_key'))
    .select(['c.conversation_key as conversationKey', 'u.cuid'])
    .where('c.org_id', '=', orgId)
    .where('c.channel_key', '=', person.channelKey)
    .where('c.platform_user_id', '=', person.platformUserId)
    .executeTakeFirst()
  if (conversation?.cuid) return { cuid: conversation.cuid }
  const conversationKey = conversation?.conversationKey ?? null
  const erased = await removeConversation(tx, orgId, { ...person, conversationKey })
  const erasure = {
    receiptId: randomBytes(12).toString('hex'),
    userHash: hashUser(tx.erasureKey, orgId, personName(mediumId, person.platformUserId)),
    erasedTimestamp,
  }
  await writeReceipt(tx, orgId, erasure, erased)
  return { ...erasure, rows: Object.values(erased).reduce((sum, count) => sum + count, 0) }
}

/** @param conversationKey null: there are only events, which are still to be worked off */
export async function removeConversation(
  tx: Tx,
  orgId: number,
  { conversationKey, channelKey, platformUserId }: Person & { conversationKey: number | null },
): Promise<Counts> {
  const ofConversation = sql`org_id = ${orgId} and conversation_key = ${conversationKey}`
  return {
    webhookEvents: await remove(
      tx,
      'webhook_events',
      sql`org_id = ${orgId} and channel_key = ${channelKey} and platform_user_id = ${platformUserId}`,
    ),
    links: await remove(tx, 'links', ofConversation),
    profileReads: await remove(tx, 'profile_reads', ofConversation),
    // one that became a user's since it was looked for is erased with the user
    conversations: await remove(tx, 'conversations', sql`${ofConversation} and user_key is null`),
  }
}
