import { sql } from 'kysely'
import type { Tie } from '../conversations/merge-conversation.ts'
import { lockEach, rowsTable, updateEach } from '../database/rows.ts'
import type { Tx } from '../database/write.ts'

export interface LockedLink {
  linkId: string
  /** null: no conversation has come with it yet */
  conversationKey: number | null
  /** the conversation's, which its links share, else the link's own */
  tie: Tie
  convertedTimestamp: number | null
}

/** Locks links and the conversations behind them until the commit; what is unknown is missing. */
export async function lockLinks(tx: Tx, orgId: number, linkIds: string[]): Promise<Map<string, LockedLink>> {
  const links = await lockLinkRows(tx, orgId, linkIds)
  const conversations = await lockConversations(
    tx,
    orgId,
    [...links.values()].flatMap((link) => link.conversationKey ?? []),
  )
  for (const link of links.values()) link.tie = conversations.get(link.conversationKey ?? 0) ?? link.tie
  return links
}

/** Locks links alone, each with a tie of its own: none where a conversation came with it. */
export async function lockLinkRows(tx: Tx, orgId: number, linkIds: string[]): Promise<Map<string, LockedLink>> {
  if (linkIds.length === 0) return new Map()
  // in the order in which they are locked
  const wanted = [...new Set(linkIds)].sort().map((link_id) => ({ link_id }))
  const { rows } = await sql<
    Tie & { link_id: string; conversation_key: number | null; converted_timestamp: number | null }
  >`
    /* links.lock */
    select l.link_id, l.conversation_key, l.user_key, l.user_timestamp, l.converted_timestamp
    from ${rowsTable(tx.db, 'k', { link_id: 'text' }, wanted)}
      ${lockEach(tx.db, 'links', 'l', sql`l.org_id = ${orgId} and l.link_id = k.link_id`)}`.execute(tx.db)
  return new Map(
    rows.map(({ link_id: linkId, conversation_key, converted_timestamp, ...tie }) => [
      linkId,
      { linkId, conversationKey: conversation_key, tie, convertedTimestamp: converted_timestamp },
    ]),
  )
}

/** Locks conversations until the commit, in the order of their keys; what is unknown is missing. */
export async function lockConversations(tx: Tx, orgId: number, keys: number[]): Promise<Map<number, Tie>> {
  if (keys.length === 0) return new Map()
  const wanted = [...new Set(keys)].sort((one, other) => one - other).map((conversation_key) => ({ conversation_key }))
  const { rows } = await sql<Tie & { conversation_key: number }>`
    /* conversations.lock-ties */
    select c.conversation_key, c.user_key, c.user_timestamp
    from ${rowsTable(tx.db, 'k', { conversation_key: 'bigint' }, wanted)}
      ${lockEach(tx.db, 'conversations', 'c', sql`c.org_id = ${orgId} and c.conversation_key = k.conversation_key`)}
  `.execute(tx.db)
  return new Map(rows.map(({ conversation_key, ...tie }) => [conversation_key, tie]))
}

/** Stores what links are tied to now: of several with one tie any stands for all. */
export async function writeTies(tx: Tx, orgId: number, links: LockedLink[]): Promise<void> {
  const ties = { user_key: 'bigint', user_timestamp: 'bigint' } as const
  const behind = links.filter((link) => link.conversationKey !== null)
  await updateEach(
    tx.db,
    'conversations.tie',
    { conversation_key: 'bigint', ...ties },
    behind.map(({ conversationKey, tie }) => ({ conversation_key: conversationKey, ...tie })),
    {
      table: 'conversations as c',
      set: (k) => sql`user_key = ${k('user_key')}, user_timestamp = ${k('user_timestamp')}`,
      on: (k) => sql`c.org_id = ${orgId} and c.conversation_key = ${k('conversation_key')}`,
    },
  )
  const alone = links.filter((link) => link.conversationKey === null)
  await updateEach(
    tx.db,
    'links.tie',
    { link_id: 'text', ...ties },
    alone.map(({ linkId, tie }) => ({ link_id: linkId, ...tie })),
    {
      table: 'links as l',
      set: (k) => sql`user_key = ${k('user_key')}, user_timestamp = ${k('user_timestamp')}`,
      on: (k) => sql`l.org_id = ${orgId} and l.link_id = ${k('link_id')}`,
    },
  )
}
