import { sql } from 'kysely'
import { rowsTable } from '../database/rows.ts'
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
