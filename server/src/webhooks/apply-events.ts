import { type RawBuilder, sql } from 'kysely'
import { type LockedLink, lockLinkRows } from '../audience/lock-links.ts'
import { type ConversationReport, recordConversations } from '../conversations/record-conversations.ts'
import { deleteEach, forUpdate, joinEach, rowsTable, updateEach, userKeysTable } from '../database/rows.ts'
import { shareRules } from '../database/rules-lock.ts'
import type { Tx } from '../database/write.ts'

export interface AppliedEvents {
  /** how many were worked off; 0: none waits */
  events: number
  /** referrals that changed nothing: nobody has the link, or another conversation came with it before */
  unknownLinks: number
  boundLinks: number
}

interface EventRow {
  event_key: number
  medium_id: string
  channel_key: number
  platform_user_id: string
  kind: 'message' | 'referral'
  timestamp: number
  link_id: string | null
}

/**
 * Works off an organization's oldest events, and forgets them, in one transaction: makes conversations for those who
 * are new, moves the latest message on, and ties to users the conversations that come with a link. The lists follow.
 *
 * @param limit how many events at most
 * @see contract, audience (a D10x link id)
 */
export async function applyEvents(tx: Tx, { orgId, limit }: { orgId: number; limit: number }): Promise<AppliedEvents> {
  await shareRules(tx, orgId)
  return await apply(tx, orgId, await takeEvents(tx, orgId, sql`order by e.event_key limit ${limit}`))
}

/** Works off the events that came with one of a user's links: then it is known whose they are. */
export async function applyEventsOfUser(
  tx: Tx,
  { orgId, userKey }: { orgId: number; userKey: number },
): Promise<AppliedEvents> {
  const events = await takeEvents(
    tx,
    orgId,
    sql`and e.link_id in (
        select l.link_id from links l where l.org_id = ${orgId} and l.user_key = ${userKey}
        union all
        select l.link_id from conversations c
          join links l on l.org_id = ${orgId} and l.conversation_key = c.conversation_key
        where c.org_id = ${orgId} and c.user_key = ${userKey})
      order by e.event_key`,
  )
  return await apply(tx, orgId, events)
}

async function apply(tx: Tx, orgId: number, events: EventRow[]): Promise<AppliedEvents> {
  const applied: AppliedEvents = { events: events.length, unknownLinks: 0, boundLinks: 0 }
  if (events.length === 0) return applied
  // not what is behind them: conversations are locked in their order, all at once
  const links = await lockLinkRows(
    tx,
    orgId,
    events.flatMap((event) => event.link_id ?? []),
  )
  const behind = await readConversations(tx, orgId, events)
  const bindings = new Map<string, Binding>()
  for (const event of events) {
    if (event.link_id === null) continue
    const link = links.get(event.link_id)
    const holder = bindings.get(event.link_id)?.event
    if (!link) applied.unknownLinks += 1
    else if (holder ? placeOf(holder) !== placeOf(event) : isAnothers(link, behind.get(placeOf(event))))
      applied.boundLinks += 1
    else if (link.conversationKey === null && !holder) bindings.set(event.link_id, { link, event })
  }
  const cuids = await readCuids(tx, orgId, [...bindings.values()])
  await recordConversations(tx, {
    orgId,
    conversations: events.flatMap((event) => {
      const binding = bindings.get(event.link_id ?? '')
      if (binding?.event === event) return toReport(event, binding, cuids)
      // a referral whose link is nobody's, or another's, changes nothing
      return event.kind === 'message' ? toReport(event) : []
    }),
  })
  await bind(tx, orgId, [...bindings.values()])
  return applied
}

const placeOf = (event: EventRow) => `${event.channel_key} ${event.platform_user_id}`

/** @param conversationKey of the conversation that comes with the link; undefined: it is new */
function isAnothers(link: LockedLink, conversationKey: number | undefined): boolean {
  return link.conversationKey !== null && link.conversationKey !== conversationKey
}

async function takeEvents(tx: Tx, orgId: number, which: RawBuilder<unknown>): Promise<EventRow[]> {
  const { rows } = await sql<Omit<EventRow, 'medium_id'>>`
    /* webhook-events.take */
    select e.event_key, e.channel_key, e.platform_user_id, e.kind, e.timestamp, e.link_id
    from webhook_events e
    where e.org_id = ${orgId} ${which} ${forUpdate(tx.db)}`.execute(tx.db)
  if (rows.length === 0) return []
  // one by one: an event with a lower key may be committed later
  const keys = rows.map(({ event_key }) => ({ event_key }))
  const columns = { event_key: 'bigint' } as const
  await deleteEach(tx.db, 'webhook-events.delete', { table: 'webhook_events', orgId, columns }, keys)
  const mediumIds = await readMediumIds(tx, orgId)
  return rows.map((row) => ({ ...row, medium_id: mediumIds.get(row.channel_key) ?? '' }))
}

async function readMediumIds(tx: Tx, orgId: number): Promise<Map<number, string>> {
  const rows = await tx.db
    .selectFrom('channels as c')
    .select(['c.channel_key', 'c.medium_id'])
    .where('c.org_id', '=', orgId)
    .execute()
  return new Map(rows.map((row) => [row.channel_key, row.medium_id]))
}

/** The conversations that come with a link and are there already, by place. */
async function readConversations(tx: Tx, orgId: number, events: EventRow[]): Promise<Map<string, number>> {
  const places = events.filter((event) => event.link_id !== null)
  if (places.length === 0) return new Map()
  const { rows } = await sql<EventRow & { conversation_key: number }>`
    /* conversations.of-places */
    select c.channel_key, c.platform_user_id, c.conversation_key
    from ${rowsTable(tx.db, 'k', PLACE_TYPES, places.map(toPlace))}
      ${joinEach(
        tx.db,
        'conversations',
        'c',
        sql`c.org_id = ${orgId} and c.channel_key = k.channel_key and c.platform_user_id = k.platform_user_id`,
      )}`.execute(tx.db)
  return new Map(rows.map((row) => [placeOf(row), row.conversation_key]))
}

const PLACE_TYPES = { channel_key: 'bigint', platform_user_id: 'text' } as const
const toPlace = ({ channel_key, platform_user_id }: EventRow) => ({ channel_key, platform_user_id })

/** The first event that comes with a link which stands for no conversation yet. */
interface Binding {
  link: LockedLink
  event: EventRow
}

/** The users whom the links were made for, by link. */
async function readCuids(tx: Tx, orgId: number, bindings: Binding[]): Promise<Map<string, string>> {
  const userKeys = bindings.flatMap(({ link }) => link.tie.user_key ?? [])
  if (userKeys.length === 0) return new Map()
  const { rows } = await sql<{ user_key: number; cuid: string }>`
    /* users.cuids-of-links */
    select u.user_key, u.cuid
    from ${userKeysTable(tx.db, userKeys)}
      ${joinEach(tx.db, 'users', 'u', sql`u.org_id = ${orgId} and u.user_key = k.user_key`)}`.execute(tx.db)
  const cuidOf = new Map(rows.map((row) => [row.user_key, row.cuid]))
  return new Map(
    bindings.flatMap(({ link }) => {
      const cuid = cuidOf.get(link.tie.user_key ?? 0)
      return cuid === undefined ? [] : [[link.linkId, cuid] as const]
    }),
  )
}

/** @param binding where the event ties its conversation to the user of a link */
function toReport(event: EventRow, binding?: Binding, cuids?: ReadonlyMap<string, string>): ConversationReport {
  return {
    conversationId: null,
    mediumId: event.medium_id,
    platformUserId: event.platform_user_id,
    userName: null,
    firstName: null,
    lastName: null,
    profilePic: null,
    lastUserMessageTimestamp: event.kind === 'message' ? event.timestamp : null,
    cuid: cuids?.get(binding?.link.linkId ?? '') ?? null,
    // since the link is that user's, not since the person came: else who is identified by the link before and after
    // they come would depend on which is told first
    eventTimestamp: binding?.link.tie.user_timestamp ?? event.timestamp,
  }
}

/** From now on the links stand for their conversations, and share whose these are. */
async function bind(tx: Tx, orgId: number, bindings: Binding[]): Promise<void> {
  const events = bindings.map(({ event }) => event)
  const keys = await readConversations(tx, orgId, events)
  const rows = bindings.flatMap(({ link, event }) => {
    // none was made where the user was erased since
    const conversation_key = keys.get(placeOf(event))
    return conversation_key === undefined ? [] : { link_id: link.linkId, conversation_key }
  })
  await updateEach(tx.db, 'links.bind', { link_id: 'text', conversation_key: 'bigint' }, rows, {
    table: 'links as l',
    set: (k) => sql`conversation_key = ${k('conversation_key')}, user_key = null, user_timestamp = null`,
    on: (k) => sql`l.org_id = ${orgId} and l.link_id = ${k('link_id')}`,
  })
}
