import { sql } from 'kysely'
import { newKey, rowsTable } from '../database/rows.ts'
import { shareRules } from '../database/rules-lock.ts'
import type { Tx } from '../database/write.ts'

/** An event of a channel that we have. */
export interface StoredEvent {
  orgId: number
  channelKey: number
  mediumId: string
  platformUserId: string
  kind: 'message' | 'referral'
  /** epoch ms */
  timestamp: number
  /** what stands for the message's id */
  midHash: string | null
  linkId: string | null
}

/** How many were stored, by kind, and how many were not, by reason. */
export type StoredCounts = Record<StoredEvent['kind'] | 'repeated' | 'unknown channel', number>

/**
 * Stores what one notification tells, all of it or nothing, to be worked off. A message's id counts once; a channel that
 * went since it was looked up is unknown.
 */
export async function storeEvents(tx: Tx, { events }: { events: StoredEvent[] }): Promise<StoredCounts> {
  const counts: StoredCounts = { message: 0, referral: 0, repeated: 0, 'unknown channel': 0 }
  // in the order of the organizations, for two that are stored at once
  const byOrganization = [...Map.groupBy(events, (event) => event.orgId)].sort(([one], [other]) => one - other)
  for (const [orgId, ofOrganization] of byOrganization) {
    // no erasure comes between: who was erased by then is somebody new
    await shareRules(tx, orgId)
    const known = await ofKnownChannels(tx, orgId, ofOrganization)
    const fresh = await withoutRepeated(tx, orgId, known)
    if (fresh.length > 0) await insertEvents(tx, orgId, fresh)
    counts['unknown channel'] += ofOrganization.length - known.length
    counts.repeated += known.length - fresh.length
    for (const { kind } of fresh) counts[kind] += 1
  }
  return counts
}

/** An organization that was removed leaves its numbers to the next one: what waits under them would be that one's. */
async function ofKnownChannels(tx: Tx, orgId: number, events: StoredEvent[]): Promise<StoredEvent[]> {
  const rows = await tx.db
    .selectFrom('channels as c')
    .select(['c.channel_key', 'c.medium_id'])
    .where('c.org_id', '=', orgId)
    .where('c.channel_key', 'in', [...new Set(events.map((event) => event.channelKey))])
    .execute()
  const mediumIdOf = new Map(rows.map((row) => [row.channel_key, row.medium_id]))
  return events.filter((event) => mediumIdOf.get(event.channelKey) === event.mediumId)
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
