import { sql } from 'kysely'
import { deleteFirst } from '../database/delete-first.ts'
import type { Store } from '../database/store.ts'
import type { Tx } from '../database/write.ts'

const DAY_MS = 86_400_000
/** What could not be worked off for so long is given up. */
const EVENTS_KEPT_MS = 7 * DAY_MS
/** The platform sends a notification again for hours, not for weeks. */
const MESSAGES_KEPT_MS = 30 * DAY_MS
/** Deleted in one transaction: some ms, so that no other write waits long. */
const CHUNK = 2_000

/**
 * Deletes the events that could not be worked off for 7 days, and what stands for the ids of messages of 30 days ago.
 *
 * @param now epoch ms
 * @returns how many events were given up
 */
export async function forgetAllEvents(store: Pick<Store, 'db' | 'write'>, now: number): Promise<number> {
  const organizations = await store.db
    .selectFrom('organizations as o')
    .select('o.org_id')
    .where(({ exists, or, selectFrom }) =>
      or([
        exists(
          selectFrom('webhook_events as e')
            .select('e.event_key')
            .whereRef('e.org_id', '=', 'o.org_id')
            .where('e.received_timestamp', '<=', now - EVENTS_KEPT_MS),
        ),
        exists(
          selectFrom('webhook_messages as m')
            .select('m.mid_hash')
            .whereRef('m.org_id', '=', 'o.org_id')
            .where('m.received_timestamp', '<=', now - MESSAGES_KEPT_MS),
        ),
      ]),
    )
    .execute()
  let givenUp = 0
  for (const { org_id: orgId } of organizations) {
    for (;;) {
      const deleted = await store.write('forgetEvents', { orgId, now })
      givenUp += deleted.events
      if (deleted.events + deleted.messages === 0) break
    }
  }
  return givenUp
}

/** Deletes a bounded part of an organization's expired events and messages. @param now epoch ms */
export async function forgetEvents(
  tx: Tx,
  { orgId, now }: { orgId: number; now: number },
): Promise<{ events: number; messages: number }> {
  const forget = (table: 'webhook_events' | 'webhook_messages', before: number) =>
    deleteFirst(tx.db, table, {
      where: sql`org_id = ${orgId} and received_timestamp <= ${before}`,
      key: { received_timestamp: 'bigint' },
      limit: CHUNK,
    })
  return {
    events: await forget('webhook_events', now - EVENTS_KEPT_MS),
    messages: await forget('webhook_messages', now - MESSAGES_KEPT_MS),
  }
}
