import { sql } from 'kysely'
import { newKey, rowsTable } from '../database/rows.ts'
import { shareRules } from '../database/rules-lock.ts'
import type { Tx } from '../database/write.ts'

/** An event of a channel that we have. */
export interface StoredEvent {
  orgId: number
  channelKey: number
  platformUserId: string
  kind: 'message' | 'referral'
  /** epoch ms */
  timestamp: number
  /** what stands for the message's id */
  midHash: string | null
  linkId: string | null
}

/**
 * Stores what one notification tells, all of it or nothing, to be worked off.
 *
 * @returns how many were there before: a message's id counts once
 */
export async function storeEvents(tx: Tx, { events }: { events: StoredEvent[] }): Promise<number> {
  let repeated = 0
  // in the order of the organizations, for two that are stored at once
  const byOrganization = [...Map.groupBy(events, (event) => event.orgId)].sort(([one], [other]) => one - other)
  for (const [orgId, ofOrganization] of byOrganization) {
    // no erasure comes between: who was erased by then is somebody new
    await shareRules(tx, orgId)
    const fresh = await withoutRepeated(tx, orgId, ofOrganization)
    repeated += ofOrganization.length - fresh.length
    if (fresh.length > 0) await insertEvents(tx, orgId, fresh)
  }
  return repeated
}

async function withoutRepeated(tx: Tx, orgId: number, events: StoredEvent[]): Promise<StoredEvent[]> {
  const hashes = [...new Set(events.flatMap((event) => event.midHash ?? []))].sort()
  if (hashes.length === 0) return events
  const { rows } = await sql<{ mid_hash: string }>`
    /* webhook-messages.remember */
    insert into webhook_messages (org_id, mid_hash, received_timestamp)
    select ${orgId}, k.mid_hash, ${tx.now}
    from ${rowsTable(
      tx.db,
      'k',
      { mid_hash: 'text' },
      hashes.map((mid_hash) => ({ mid_hash })),
    )}
    where true
    on conflict (org_id, mid_hash) do nothing
    returning mid_hash`.execute(tx.db)
  const fresh = new Set(rows.map((row) => row.mid_hash))
  // of several with one id in one notification the first
  return events.filter(({ midHash }) => midHash === null || fresh.delete(midHash))
}

async function insertEvents(tx: Tx, orgId: number, events: StoredEvent[]): Promise<void> {
  const types = {
    channel_key: 'bigint',
    platform_user_id: 'text',
    kind: 'text',
    timestamp: 'bigint',
    link_id: 'text',
  } as const
  const rows = events.map((event) => ({
    channel_key: event.channelKey,
    platform_user_id: event.platformUserId,
    kind: event.kind,
    timestamp: event.timestamp,
    link_id: event.linkId,
  }))
  await sql`
    /* webhook-events.insert */
    insert into webhook_events (org_id, event_key, channel_key, platform_user_id, kind, timestamp, link_id,
      received_timestamp)
    select ${orgId}, ${newKey(tx.db, 'webhook_events', 'event_key', orgId)}, k.channel_key, k.platform_user_id, k.kind,
      k.timestamp, k.link_id, ${tx.now}
    from ${rowsTable(tx.db, 'k', types, rows)}`.execute(tx.db)
}
