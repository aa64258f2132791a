import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { joinEach, rowsTable } from '../database/rows.ts'
import { shareRules } from '../database/rules-lock.ts'
import type { Tx } from '../database/write.ts'
import { lockUsers } from '../users/lock-users.ts'
import { refreshLists } from '../vip-users/refresh.ts'
import { lockConversations } from './lock-links.ts'

/** 96 random bits: nobody finds another's link by trying. In hex, since a spreadsheet takes what begins with `-` for a formula. */
const LINK_BYTES = 12
const newLinkId = () => randomBytes(LINK_BYTES).toString('hex')

/**
 * Makes a link for a user who has no conversation yet, and the user where there is none: the first conversation that
 * comes with it is the user's.
 *
 * @param eventTimestamp epoch ms: since when the link is the user's
 * @see contract, audience (`POST /links`)
 */
export async function createUserLink(
  tx: Tx,
  { orgId, cuid, eventTimestamp }: { orgId: number; cuid: string; eventTimestamp: number },
): Promise<string> {
  await shareRules(tx, orgId)
  const { users, created } = await lockUsers(tx, orgId, [cuid])
  const linkId = newLinkId()
  await tx.db
    .insertInto('links')
    .values({
      org_id: orgId,
      link_id: linkId,
      conversation_key: null,
      user_key: users.get(cuid)?.user_key ?? null,
      user_timestamp: eventTimestamp,
      created_timestamp: tx.now,
      converted_timestamp: null,
    })
    .execute()
  await refreshLists(tx, orgId, [...created])
  return linkId
}

/**
 * A link for each of these conversations: the one that it has, else a new one.
 *
 * @returns link ids by conversation key; a conversation that is not there has none
 */
export async function linkConversations(
  tx: Tx,
  { orgId, conversationKeys }: { orgId: number; conversationKeys: number[] },
): Promise<Map<number, string>> {
  // no erasure comes between a conversation and its link
  await shareRules(tx, orgId)
  const locked = await lockConversations(tx, orgId, conversationKeys)
  const rows = Array.from(locked.keys(), (conversation_key) => ({ conversation_key }))
  const links = await sql<{ conversation_key: number; link_id: string }>`
    /* links.of-conversations */
    select l.conversation_key, l.link_id
    from ${rowsTable(tx.db, 'k', { conversation_key: 'bigint' }, rows)}
      ${joinEach(tx.db, 'links', 'l', sql`l.org_id = ${orgId} and l.conversation_key = k.conversation_key`)}
    order by l.created_timestamp desc, l.link_id desc`.execute(tx.db)
  // of several the first one that was made
  const linkOf = new Map(links.rows.map((link) => [link.conversation_key, link.link_id]))
  const made = rows
    .filter(({ conversation_key }) => !linkOf.has(conversation_key))
    .map(({ conversation_key }) => ({ conversation_key, link_id: newLinkId() }))
  if (made.length > 0) {
    await sql`
      /* links.create */
      insert into links (org_id, link_id, conversation_key, created_timestamp)
      select ${orgId}, k.link_id, k.conversation_key, ${tx.now}
      from ${rowsTable(tx.db, 'k', { conversation_key: 'bigint', link_id: 'text' }, made)}`.execute(tx.db)
  }
  for (const { conversation_key, link_id } of made) linkOf.set(conversation_key, link_id)
  return linkOf
}
