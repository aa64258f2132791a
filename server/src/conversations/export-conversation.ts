import type { Kysely } from 'kysely'
import type { Schema } from '../database/schema.ts'
import type { Store } from '../database/store.ts'
import { selectConversations } from '../users/export-user.ts'

interface Person {
  orgId: number
  channelKey: number
  platformUserId: string
}

/**
 * All that is kept of somebody on a channel whom nobody has identified, as a subject access request asks for it, with
 * times in epoch ms. From one snapshot.
 *
 * @returns with a `cuid` alone: the person is that user; null: nothing is kept
 */
export async function exportConversation(store: Store, person: Person) {
  return await store.snapshot(async (db) => {
    const { orgId, channelKey, platformUserId } = person
    const found = await selectConversations(db, orgId)
      .leftJoin('users as u', (join) => join.onRef('u.org_id', '=', 'c.org_id').onRef('u.user_key', '=', 'c.user_key'))
      .select(['u.cuid', 'c.conversation_key'])
      .where('c.channel_key', '=', channelKey)
      .where('c.platform_user_id', '=', platformUserId)
      .executeTakeFirst()
    if (found?.cuid) return { cuid: found.cuid }
    const webhookEvents = await readWebhookEvents(db, person)
    if (!found) return webhookEvents.length > 0 ? { conversation: null, webhookEvents, links: [] } : null
    const { cuid: _none, conversation_key: conversationKey, ...conversation } = found
    return { conversation, webhookEvents, links: await readLinks(db, orgId, conversationKey) }
  })
}

/** What is still to be worked off. */
async function readWebhookEvents(db: Kysely<Schema>, { orgId, channelKey, platformUserId }: Person) {
  return await db
    .selectFrom('webhook_events as e')
    .select(['e.kind', 'e.timestamp', 'e.link_id as d10xLinkId', 'e.received_timestamp as receivedTimestamp'])
    .where('e.org_id', '=', orgId)
    .where('e.channel_key', '=', channelKey)
    .where('e.platform_user_id', '=', platformUserId)
    .orderBy('e.event_key')
    .execute()
}

async function readLinks(db: Kysely<Schema>, orgId: number, conversationKey: number) {
  return await db
    .selectFrom('links as l')
    .select(['l.link_id as d10xLinkId', 'l.created_timestamp as createdTimestamp'])
    .select('l.converted_timestamp as convertedTimestamp')
    .where('l.org_id', '=', orgId)
    .where('l.conversation_key', '=', conversationKey)
    .orderBy('l.link_id')
    .execute()
}
