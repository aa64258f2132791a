import { sql } from 'kysely'
import { newKey } from '../database/rows.ts'
import type { Schema } from '../database/schema.ts'
import type { Tx } from '../database/write.ts'

/** Puts an organization's oldest event, which could not be worked off, behind all others. */
export async function postponeEvent(tx: Tx, { orgId }: { orgId: number }): Promise<void> {
  // taken before it is put back: where another server has it, it does not come a second time
  const { rows } = await sql<Schema['webhook_events']>`
    /* webhook-events.take-oldest */
    delete from webhook_events where org_id = ${orgId} and event_key = (
      select min(e.event_key) from webhook_events e where e.org_id = ${orgId})
    returning *`.execute(tx.db)
  for (const event of rows) {
    await sql`
      /* webhook-events.postpone */
      insert into webhook_events (org_id, event_key, channel_key, platform_user_id, kind, timestamp, link_id,
        received_timestamp)
      select ${orgId}, ${newKey(tx.db, 'webhook_events', 'event_key', orgId)}, ${event.channel_key},
        ${event.platform_user_id}, ${event.kind}, ${event.timestamp}, ${event.link_id}, ${event.received_timestamp}`.execute(
      tx.db,
    )
  }
}
