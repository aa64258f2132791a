import { sql } from 'kysely'
import type { Store } from '../src/database/store.ts'

const CHUNK = 500

/**
 * Leads the sample's pictures to this server: the addresses that it was loaded with may be those of another port. Some at
 * a time, so that it holds up nobody.
 *
 * @param publicUrl what the addresses begin with, without a trailing slash
 * @param signal stops it between two chunks
 * @returns how many led elsewhere
 */
export async function renewPictures(
  store: Pick<Store, 'db' | 'write'>,
  { orgId, publicUrl, signal }: { orgId: number; publicUrl: string; signal: AbortSignal },
): Promise<number> {
  let renewed = 0
  for (let last = 0; !signal.aborted; ) {
    const rows = await store.db
      .selectFrom('conversations as v')
      .innerJoin('channels as c', (join) =>
        join.onRef('c.org_id', '=', 'v.org_id').onRef('c.channel_key', '=', 'v.channel_key'),
      )
      .select(['v.conversation_key', 'v.conversation_id', 'c.medium_id', 'v.platform_user_id'])
      .select(['v.profile_pic', 'v.profile_pic_timestamp'])
      .where('v.org_id', '=', orgId)
      .where('v.conversation_key', '>', last)
      .where('v.profile_pic', 'like', '%/sample/pictures/%')
      .where(sql<boolean>`substr(v.profile_pic, 1, ${publicUrl.length + 1}) <> ${`${publicUrl}/`}`)
      .orderBy('v.conversation_key')
      .limit(CHUNK)
      .execute()
    if (rows.length === 0) break
    await store.write('recordConversations', {
      orgId,
      conversations: rows.map((row) => ({
        conversationId: row.conversation_id,
        mediumId: row.medium_id,
        platformUserId: row.platform_user_id,
        userName: null,
        firstName: null,
        lastName: null,
        profilePic: `${publicUrl}${row.profile_pic?.slice(row.profile_pic.indexOf('/sample/pictures/'))}`,
        lastUserMessageTimestamp: null,
        cuid: null,
        // of the same time: what is told last wins
        eventTimestamp: row.profile_pic_timestamp ?? 0,
      })),
    })
    renewed += rows.length
    last = rows.at(-1)?.conversation_key ?? last
  }
  return renewed
}
