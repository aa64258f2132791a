import { type RawBuilder, sql } from 'kysely'
import { recordConversations } from '../conversations/record-conversations.ts'
import { forUpdate, hasRowLocks, joinEach, rowsTable, updateEach } from '../database/rows.ts'
import { shareRules } from '../database/rules-lock.ts'
import type { Tx } from '../database/write.ts'
import type { Profile } from './profile.ts'

const KEY_TYPES = { conversation_key: 'bigint' } as const

/** A profile that is to be read, and was taken by whoever reads it. */
export interface ProfileRead {
  conversationKey: number
  platformUserId: string
  /** that have failed before */
  attempts: number
}

export interface TakeReads {
  orgId: number
  channelKey: number
  /** epoch ms */
  now: number
  limit: number
  /** whoever takes them, by a name that was never used before */
  lease: string
  /** epoch ms: then another may take what is not done */
  leasedUntil: number
}

/**
 * Takes a channel's reads that fell due last: who writes now has a name soon, also where an import has brought a million.
 * Until the lease is over nobody else takes them.
 */
export async function takeProfileReads(tx: Tx, take: TakeReads): Promise<ProfileRead[]> {
  const { orgId, channelKey, now, limit, lease, leasedUntil } = take
  const { rows: due } = await sql<{ conversation_key: number; attempts: number }>`
    /* profile-reads.due */
    select r.conversation_key, r.attempts from profile_reads r
    where r.org_id = ${orgId} and r.channel_key = ${channelKey} and r.due_timestamp <= ${now}
    order by r.due_timestamp desc limit ${limit} ${skipLocked(tx)}`.execute(tx.db)
  if (due.length === 0) return []
  const keys = due.map(({ conversation_key }) => ({ conversation_key }))
  await updateEach(tx.db, 'profile-reads.take', KEY_TYPES, keys, {
    table: 'profile_reads as r',
    set: () => sql`lease = ${lease}, due_timestamp = ${leasedUntil}`,
    on: (k) => sql`r.org_id = ${orgId} and r.conversation_key = ${k('conversation_key')}`,
  })
  const { rows } = await sql<{ conversation_key: number; platform_user_id: string }>`
    /* profile-reads.people */
    select c.conversation_key, c.platform_user_id
    from ${rowsTable(tx.db, 'k', KEY_TYPES, keys)}
      ${joinEach(tx.db, 'conversations', 'c', sql`c.org_id = ${orgId} and c.conversation_key = k.conversation_key`)}
  `.execute(tx.db)
  const people = new Map(rows.map((row) => [row.conversation_key, row.platform_user_id]))
  return due.flatMap(({ conversation_key: conversationKey, attempts }) => {
    const platformUserId = people.get(conversationKey)
    return platformUserId === undefined ? [] : { conversationKey, platformUserId, attempts }
  })
}

function skipLocked(tx: Tx): RawBuilder<unknown> {
  return hasRowLocks(tx.db) ? sql`for update skip locked` : sql``
}

interface LeasedRead {
  orgId: number
  conversationKey: number
  lease: string
}

/**
 * Records a profile that was read, where the read is still this lease's: not where the person was erased meanwhile, nor
 * where the lease was over and another has taken it.
 *
 * @param profile null: the platform has none for us, and is not asked again for a day
 * @param readTimestamp epoch ms: since when the profile is known to be so
 * @returns whether it was recorded
 */
export async function recordProfile(
  tx: Tx,
  {
    orgId,
    conversationKey,
    lease,
    profile,
    readTimestamp,
  }: LeasedRead & { profile: Profile | null; readTimestamp: number },
): Promise<boolean> {
  // before the look at the lease: an erasure that is not seen there waits for this commit
  await shareRules(tx, orgId)
  const { rows } = await sql<{ medium_id: string; platform_user_id: string; conversation_id: string }>`
    /* profile-reads.leased */
    select h.medium_id, c.platform_user_id, c.conversation_id
    from profile_reads r
      join conversations c on c.org_id = r.org_id and c.conversation_key = r.conversation_key
      join channels h on h.org_id = c.org_id and h.channel_key = c.channel_key
    where r.org_id = ${orgId} and r.conversation_key = ${conversationKey} and r.lease = ${lease}
    ${forUpdate(tx.db)}${hasRowLocks(tx.db) ? sql.raw(' of r') : sql``}`.execute(tx.db)
  const [read] = rows
  if (!read) return false
  await sql`
    /* conversations.profile-read */
    update conversations set profile_read_timestamp = ${readTimestamp}
    where org_id = ${orgId} and conversation_key = ${conversationKey}`.execute(tx.db)
  if (profile) {
    await recordConversations(tx, {
      orgId,
      conversations: [
        {
          ...profile,
          conversationId: read.conversation_id,
          mediumId: read.medium_id,
          platformUserId: read.platform_user_id,
          lastUserMessageTimestamp: null,
          cuid: null,
          eventTimestamp: readTimestamp,
        },
      ],
    })
  }
  await sql`
    /* profile-reads.done */
    delete from profile_reads where org_id = ${orgId} and conversation_key = ${conversationKey}`.execute(tx.db)
  return true
}

/**
 * Gives reads of this lease back.
 *
 * @param dueTimestamp epoch ms: when they may be taken again
 * @param failed whether it counts as an attempt
 */
export async function returnProfileReads(
  tx: Tx,
  given: { orgId: number; conversationKeys: number[]; lease: string; dueTimestamp: number; failed: boolean },
): Promise<void> {
  const { orgId, conversationKeys, lease, dueTimestamp, failed } = given
  const rows = conversationKeys.map((conversation_key) => ({ conversation_key }))
  await updateEach(tx.db, 'profile-reads.return', KEY_TYPES, rows, {
    table: 'profile_reads as r',
    set: () => sql`lease = null, due_timestamp = ${dueTimestamp}, attempts = attempts + ${failed ? 1 : 0}`,
    on: (k) => sql`r.org_id = ${orgId} and r.conversation_key = ${k('conversation_key')} and r.lease = ${lease}`,
  })
}
