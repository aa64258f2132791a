import { randomBytes } from 'node:crypto'
import { type RawBuilder, sql } from 'kysely'
import { takeRules } from '../database/rules-lock.ts'
import type { Tx } from '../database/write.ts'
import { endExports } from '../exports/export-rows.ts'
import { purchasesOf } from '../users/purchases-of-user.ts'
import { forgetBeginnings } from '../vip-users/range-beginnings.ts'
import { refreshLists } from '../vip-users/refresh.ts'
import { readTargets } from '../vip-users/targets.ts'
import { applyEventsOfUser } from '../webhooks/apply-events.ts'
import { removeConversation } from './erase-conversation.ts'
import { count, remove } from './remove-rows.ts'
import { hashUser } from './user-hash.ts'
import { type Counts, type Erasure, writeReceipt } from './write-receipt.ts'

/**
 * Erases a user and everything that is kept of them, their conversations with platform profiles and ids included, in
 * one transaction; leaves a receipt, and a hash by which older facts that arrive later are known. For a user whom
 * nobody knows it leaves the same. No other write of the organization runs meanwhile: none can bring back what it
 * read before.
 *
 * @see contract, audience, "Erasure is complete"
 */
export async function eraseUser(
  tx: Tx,
  { orgId, cuid, erasedTimestamp }: { orgId: number; cuid: string; erasedTimestamp: number },
): Promise<Erasure> {
  await takeRules(tx, orgId)
  const erased = await removeUser(tx, orgId, cuid)
  const erasure = {
    receiptId: randomBytes(12).toString('hex'),
    userHash: hashUser(tx.erasureKey, orgId, cuid),
    erasedTimestamp,
  }
  await writeReceipt(tx, orgId, erasure, erased)
  return erasure
}

/**
 * Does an erasure once more in a store that was put back as it was before: with its own receipt, hash and time. All that
 * is there of the user goes, since it was there when the user was erased.
 *
 * @param erased null where the store has nobody of that hash
 */
export async function reapplyErasure(
  tx: Tx,
  { orgId, erased, ...erasure }: Erasure & { orgId: number; erased: Erased | null },
): Promise<void> {
  await takeRules(tx, orgId)
  await writeReceipt(tx, orgId, erasure, erased === null ? {} : await removeErased(tx, orgId, erased))
}

/** Whom an erasure is of: a user, or somebody on a channel who is none; without a conversation there are only events of them. */
export type Erased = { cuid: string } | { conversationKey: number | null; channelKey: number; platformUserId: string }

function removeErased(tx: Tx, orgId: number, erased: Erased): Promise<Counts> {
  return 'cuid' in erased ? removeUser(tx, orgId, erased.cuid) : removeConversation(tx, orgId, erased)
}

async function removeUser(tx: Tx, orgId: number, cuid: string): Promise<Counts> {
  const user = await tx.db
    .selectFrom('users as u')
    .select('u.user_key')
    .where('u.org_id', '=', orgId)
    .where('u.cuid', '=', cuid)
    .executeTakeFirst()
  if (!user) return {}
  const userKey = user.user_key
  // who came with a link of the user's is the user
  await applyEventsOfUser(tx, { orgId, userKey })
  const conversationIds = await readConversationIds(tx, orgId, userKey)
  const ofUser = sql`org_id = ${orgId} and user_key = ${userKey}`
  const ofConversations = sql`org_id = ${orgId} and conversation_key in (
    select c.conversation_key from conversations c where c.org_id = ${orgId} and c.user_key = ${userKey})`
  const inLists = { vipMarks: await countMarks(tx, orgId, userKey), listRows: await count(tx, 'vip_users', ofUser) }
  const erased = {
    links: (await remove(tx, 'links', ofConversations)) + (await remove(tx, 'links', ofUser)),
    webhookEvents: await remove(tx, 'webhook_events', ofPlatformUsers(orgId, userKey)),
    profileReads: await remove(tx, 'profile_reads', ofConversations),
    conversations: await remove(tx, 'conversations', ofUser),
    idempotentAnswers: await remove(tx, 'idempotent_answers', ofUser),
    properties: await remove(tx, 'properties', ofUser),
    personalInformation: await remove(tx, 'personal_information', ofUser),
    // the user leads to them
    purchases: await remove(
      tx,
      'purchases',
      sql`org_id = ${orgId} and purchase_id in (select c.purchase_id from ${purchasesOf(tx.db, orgId, [userKey])} c)`,
    ),
    users: await remove(tx, 'users', ofUser),
    ...inLists,
    exports: await endExports(tx, { orgId }),
  }
  const targets = await readTargets(tx, orgId)
  // of who is not there any more there are no marks and no rows
  await refreshLists(tx, orgId, [userKey], { targets })
  // what older generations and disconnected channels have left is counted nowhere
  await remove(tx, 'vip_users', ofUser)
  await remove(tx, 'vip_marks', ofMarks(orgId, userKey))
  if (conversationIds.length > 0) await forgetBeginnings(tx, orgId, conversationIds, targets)
  return erased
}

/** What is still to be worked off of the user's conversations. */
function ofPlatformUsers(orgId: number, userKey: number): RawBuilder<unknown> {
  return sql`org_id = ${orgId} and (channel_key, platform_user_id) in (
    select c.channel_key, c.platform_user_id from conversations c
    where c.org_id = ${orgId} and c.user_key = ${userKey})`
}

async function readConversationIds(tx: Tx, orgId: number, userKey: number): Promise<string[]> {
  const rows = await tx.db
    .selectFrom('conversations as c')
    .select('c.conversation_id')
    .where('c.org_id', '=', orgId)
    .where('c.user_key', '=', userKey)
    .execute()
  return rows.map((row) => row.conversation_id)
}

/** A user's marks in every generation that there ever was: the key leads to each. */
function ofMarks(orgId: number, userKey: number): RawBuilder<unknown> {
  return sql`org_id = ${orgId} and user_key = ${userKey} and (workspace_key, generation) in (
    with recursive g (workspace_key, generation) as (
      select w.workspace_key, coalesce(w.building_generation, w.generation) from workspaces w where w.org_id = ${orgId}
      union all
      select g.workspace_key, g.generation - 1 from g where g.generation > 0)
    select g.workspace_key, g.generation from g)`
}

const countMarks = (tx: Tx, orgId: number, userKey: number) => count(tx, 'vip_marks', ofMarks(orgId, userKey))
