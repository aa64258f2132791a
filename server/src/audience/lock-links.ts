import { sql } from 'kysely'
import type { Tie } from '../conversations/merge-conversation.ts'
import { forUpdate, rowsTable } from '../database/rows.ts'
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
  const wanted = [...new Set(linkIds)].map((link_id) => ({ link_id }))
  const links = await sql<
    Tie & { link_id: string; conversation_key: number | null; converted_timestamp: number | null }
  >`
    /* links.lock */
    select l.link_id, l.conversation_key, l.user_key, l.user_timestamp, l.converted_timestamp
    from ${rowsTable(tx.db, 'k', { link_id: 'text' }, wanted)}
      join links l on l.org_id = ${orgId} and l.link_id = k.link_id
    order by l.link_id ${forUpdate(tx.db)}`.execute(tx.db)
  const conversations = await lockConversations(
    tx,
    orgId,
    links.rows.flatMap((link) => link.conversation_key ?? []),
  )
  return new Map(
    links.rows.map(({ link_id, conversation_key, converted_timestamp, ...own }) => [
      link_id,
      {
        linkId: link_id,
        conversationKey: conversation_key,
        tie: (conversation_key === null ? undefined : conversations.get(conversation_key)) ?? own,
        convertedTimestamp: converted_timestamp,
      },
    ]),
  )
}

async function lockConversations(tx: Tx, orgId: number, keys: number[]): Promise<Map<number, Tie>> {
  if (keys.length === 0) return new Map()
  const wanted = [...new Set(keys)].map((conversation_key) => ({ conversation_key }))
  const { rows } = await sql<Tie & { conversation_key: number }>`
    /* conversations.lock-ties */
    select c.conversation_key, c.user_key, c.user_timestamp
    from ${rowsTable(tx.db, 'k', { conversation_key: 'bigint' }, wanted)}
      join conversations c on c.org_id = ${orgId} and c.conversation_key = k.conversation_key
    order by c.conversation_key ${forUpdate(tx.db)}`.execute(tx.db)
  return new Map(rows.map(({ conversation_key, ...tie }) => [conversation_key, tie]))
}

/** Stores what links are tied to now: of several with one tie any stands for all. */
export async function writeTies(tx: Tx, orgId: number, links: LockedLink[]): Promise<void> {
  const behind = links.filter((link) => link.conversationKey !== null)
  if (behind.length > 0) {
    const types = { conversation_key: 'bigint', user_key: 'bigint', user_timestamp: 'bigint' } as const
    const rows = behind.map(({ conversationKey, tie }) => ({ conversation_key: conversationKey, ...tie }))
    await sql`
      /* conversations.tie */
      update conversations as c set user_key = k.user_key, user_timestamp = k.user_timestamp
      from ${rowsTable(tx.db, 'k', types, rows)}
      where c.org_id = ${orgId} and c.conversation_key = k.conversation_key`.execute(tx.db)
  }
  const alone = links.filter((link) => link.conversationKey === null)
  if (alone.length > 0) {
    const types = { link_id: 'text', user_key: 'bigint', user_timestamp: 'bigint' } as const
    const rows = alone.map(({ linkId, tie }) => ({ link_id: linkId, ...tie }))
    await sql`
      /* links.tie */
      update links as l set user_key = k.user_key, user_timestamp = k.user_timestamp
      from ${rowsTable(tx.db, 'k', types, rows)}
      where l.org_id = ${orgId} and l.link_id = k.link_id`.execute(tx.db)
  }
}
