import type { Kysely } from 'kysely'
import type { Schema } from '../database/schema.ts'

/** The next conversations of a channel, in the order of its platform users. @param after the last one's; at first '' */
export function readNextConversations(
  db: Kysely<Schema>,
  { orgId, channelKey, after, limit }: { orgId: number; channelKey: number; after: string; limit: number },
) {
  return db
    .selectFrom('conversations as c')
    .select(['c.conversation_key', 'c.conversation_id', 'c.platform_user_id'])
    .where('c.org_id', '=', orgId)
    .where('c.channel_key', '=', channelKey)
    .where('c.platform_user_id', '>', after)
    .orderBy('c.platform_user_id')
    .limit(limit)
    .execute()
}
