import { setTimeout as pause } from 'node:timers/promises'
import { sql } from 'kysely'
import { readNextConversations } from '../conversations/read-next.ts'
import { lockEach, rowsTable } from '../database/rows.ts'
import { shareRules, takeRules } from '../database/rules-lock.ts'
import type { Store } from '../database/store.ts'
import type { Tx } from '../database/write.ts'

/** A profile is read at most so often; its picture's address does not live much longer. */
const PROFILE_KEPT_MS = 86_400_000

/** Whether a profile may be read again. @param readTimestamp when it last was; null: never */
export function isProfileOld(readTimestamp: number | null, now: number): boolean {
  return readTimestamp === null || readTimestamp <= now - PROFILE_KEPT_MS
}

export interface PlannedRead {
  conversationKey: number
  channelKey: number
  /** after all others of the channel */
  isLast?: boolean
}

/**
 * Has the profiles of these conversations read soon, by whichever server is free. A write does this last: who waits for
 * a row here holds the conversation, or its user, that the other wants.
 */
export async function planProfileReads(tx: Tx, orgId: number, conversations: PlannedRead[]): Promise<void> {
  if (conversations.length === 0) return
  const rows = conversations.map(({ conversationKey, channelKey, isLast = false }) => ({
    conversation_key: conversationKey,
    channel_key: channelKey,
    due: isLast ? 0 : tx.now,
  }))
  await sql`
    /* profile-reads.plan */
    insert into profile_reads (org_id, conversation_key, channel_key, due_timestamp, attempts)
    select ${orgId}, k.conversation_key, k.channel_key, k.due, 0
    from ${rowsTable(tx.db, 'k', { conversation_key: 'bigint', channel_key: 'bigint', due: 'bigint' }, rows)}
    where true
    order by k.conversation_key, k.due desc
    on conflict do nothing`.execute(tx.db)
}

/** Conversations looked at in one transaction: some ms, so that no other write waits long. */
const CHUNK = 1_000

/**
 * Has the profiles read, after all others, of those of a channel's conversations that never were: the channel had no
 * access token when they came. Leaves the store to others in between; can be done again at any time.
 */
export async function planUnreadProfiles(
  store: Pick<Store, 'write'>,
  channel: { orgId: number; channelKey: number },
): Promise<void> {
  for (let after: string | null = ''; after !== null; ) {
    const startedMs = performance.now()
    after = await store.write('planUnreadChunk', { ...channel, after })
    await pause((performance.now() - startedMs) / 2)
  }
}

/**
 * @param after the platform user whom the last chunk ended with; at first ''
 * @returns whom this one ended with; null: there are no more
 */
export async function planUnreadChunk(
  tx: Tx,
  { orgId, channelKey, after }: { orgId: number; channelKey: number; after: string },
): Promise<string | null> {
  // nobody is erased between the look at a conversation and the plan
  await shareRules(tx, orgId)
  // its token may have been taken away meanwhile
  if (!(await hasAccessToken(tx, orgId, channelKey))) return null
  const conversations = await readNextConversations(tx.db, { orgId, channelKey, after, limit: CHUNK })
  const last = conversations.at(-1)
  if (!last) return null
  // in the order in which every write locks them
  const keys = conversations
    .map(({ conversation_key }) => ({ conversation_key }))
    .sort((one, other) => one.conversation_key - other.conversation_key)
  const isUnread = sql`c.org_id = ${orgId} and c.conversation_key = k.conversation_key
    and c.profile_read_timestamp is null`
  const { rows: unread } = await sql<{ conversation_key: number }>`
    /* conversations.unread */
    select c.conversation_key
    from ${rowsTable(tx.db, 'k', { conversation_key: 'bigint' }, keys)}
      ${lockEach(tx.db, 'conversations', 'c', isUnread)}`.execute(tx.db)
  const planned = unread.map(({ conversation_key: conversationKey }) => ({ conversationKey, channelKey, isLast: true }))
  await planProfileReads(tx, orgId, planned)
  return last.platform_user_id
}

/**
 * Forgets whose profiles were to be read of a channel that has no access token any more. Leaves the store to others in
 * between; can be done again at any time.
 */
export async function forgetPlannedReads(
  store: Pick<Store, 'write'>,
  channel: { orgId: number; channelKey: number },
): Promise<void> {
  for (let forgotten = CHUNK; forgotten > 0; ) {
    const startedMs = performance.now()
    forgotten = await store.write('forgetPlannedChunk', channel)
    await pause((performance.now() - startedMs) / 2)
  }
}

/** @returns how many were forgotten; 0: there are no more, or the channel has an access token again */
export async function forgetPlannedChunk(
  tx: Tx,
  { orgId, channelKey }: { orgId: number; channelKey: number },
): Promise<number> {
  // nobody else who deletes some of them holds others that are wanted here
  await takeRules(tx, orgId)
  if (await hasAccessToken(tx, orgId, channelKey)) return 0
  const forgotten = await sql`
    /* profile-reads.forget */
    delete from profile_reads where org_id = ${orgId} and conversation_key in (
      select r.conversation_key from profile_reads r
      where r.org_id = ${orgId} and r.channel_key = ${channelKey} limit ${CHUNK})`.execute(tx.db)
  return Number(forgotten.numAffectedRows ?? 0)
}

async function hasAccessToken({ db }: Tx, orgId: number, channelKey: number): Promise<boolean> {
  const channel = await db
    .selectFrom('channels as c')
    .select('c.channel_key')
    .where('c.org_id', '=', orgId)
    .where('c.channel_key', '=', channelKey)
    .where('c.access_token_ciphertext', 'is not', null)
    .executeTakeFirst()
  return channel !== undefined
}
