import { type Kysely, sql } from 'kysely'
import type { Schema } from '../database/schema.ts'

export interface IdentifiedPage {
  users: string[]
  /** where the next page begins; null after the last one */
  nextUserKey: number | null
}

/**
 * Users who are tied to a conversation, in the order in which they were first heard of.
 *
 * @param afterUserKey the key that the page begins after
 */
export async function listIdentifiedUsers(
  db: Kysely<Schema>,
  { orgId, afterUserKey, limit }: { orgId: number; afterUserKey: number; limit: number },
): Promise<IdentifiedPage> {
  const { rows } = await sql<{ user_key: number; cuid: string }>`
    /* conversations.identified */
    select u.user_key, u.cuid
    from (
      select distinct c.user_key from conversations c
      where c.org_id = ${orgId} and c.user_key > ${afterUserKey}
      order by c.user_key limit ${limit + 1}) k
      join users u on u.org_id = ${orgId} and u.user_key = k.user_key
    order by u.user_key`.execute(db)
  const page = rows.slice(0, limit)
  return {
    users: page.map((row) => row.cuid),
    nextUserKey: rows.length > limit ? (page.at(-1)?.user_key ?? null) : null,
  }
}
