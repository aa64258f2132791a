import { sql } from 'kysely'
import { newKey } from '../database/rows.ts'
import type { Tx } from '../database/write.ts'

/** Puts an organization's oldest event, which could not be worked off, behind all others. */
export async function postponeEvent(tx: Tx, { orgId }: { orgId: number }): Promise<void> {
  const { rows } = await sql<{ event_key: number | null }>`
    /* webhook-events.oldest */
    select min(e.event_key) as event_key from webhook_events e where e.org_id = ${orgId}`.execute(tx.db)
  const oldest = rows[0]?.event_key
  if (oldest === null || oldest === undefined) return
  await sql`
    /* webhook-events.postpone */
    insert into webhook_events (org_id, event_key, channel_key, platform_user_id, kind, timestamp, link_id,
      received_timestamp)
    select e.org_id, ${newKey(tx.db, 'webhook_events', 'event_key', orgId)}, e.channel_key, e.platform_user_id, e.kind,
      e.timestamp, e.link_id, e.received_timestamp
    from webhook_events e where e.org_id = ${orgId} and e.event_key = ${oldest}`.execute(tx.db)
  await tx.db.deleteFrom('webhook_events').where('org_id', '=', orgId).where('event_key', '=', oldest).execute()
}
