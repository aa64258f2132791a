import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { joinEach, lockEach, newKey, rowByRow, rowsTable, updateEach } from '../database/rows.ts'
import { shareRules } from '../database/rules-lock.ts'
import type { Tx } from '../database/write.ts'
import { readErasures } from '../erasure/erased-facts.ts'
import { isProfileOld, planProfileReads } from '../profiles/plan-reads.ts'
import { refreshDerivedUsers } from '../users/derive-users.ts'
import { lockUsers } from '../users/lock-users.ts'
import { refreshLists } from '../vip-users/refresh.ts'
import { type ConversationState, mergeConversation } from './merge-conversation.ts'

/** What is reported of one conversation at one time; `null` says nothing. */
export interface ConversationReport {
  /** null: the one of this channel and platform user, else a new id */
  conversationId: string | null
  mediumId: string
  platformUserId: string
  userName: string | null
  firstName: string | null
  lastName: string | null
  profilePic: string | null
  /** epoch ms */
  lastUserMessageTimestamp: number | null
  /** the user whom the person behind the conversation was identified as */
  cuid: string | null
  /** epoch ms: when the profile was so, and the user identified */
  eventTimestamp: number
}

export type ConversationOutcome = 'recorded' | 'unchanged' | 'unknown channel' | 'conflict' | 'erased'

/**
 * Records conversations with their platform profiles and users, and brings the lists of all users concerned up to
 * date. A conversation is known by its channel and platform user.
 *
 * @returns an outcome for each report: `conflict` where its id is another conversation's, or its platform user
 *   has another id; such a report changes nothing. `erased` where it is dated before its user's erasure, and dropped
 */
export async function recordConversations(
  tx: Tx,
  { orgId, conversations }: { orgId: number; conversations: ConversationReport[] },
): Promise<ConversationOutcome[]> {
  await shareRules(tx, orgId)
  const channels = await readChannels(tx, orgId)
  const isErased = await readErasures(tx, orgId, conversations.map(dateOf))
  const reports = conversations.map((report) => ({ ...report, channelKey: channels.get(report.mediumId)?.channelKey }))
  const known = reports.filter(
    (report): report is KeyedReport => report.channelKey !== undefined && !isErased(dateOf(report)),
  )
  const created = await createMissing(tx, orgId, known)
  const states = await lockStates(tx, orgId, known)
  const createdPlaces = [...states].filter(([, state]) => created.has(state.conversation_key)).map(([id]) => id)
  const before = new Map([...states].map(([id, state]) => [id, { ...state }]))
  const fits = (report: KeyedReport) => {
    const state = states.get(placeOf(report))
    return state && (report.conversationId === null || report.conversationId === state.conversation_id) ? state : null
  }
  const { users: locked, created: newUsers } = await lockUsers(
    tx,
    orgId,
    known.filter(fits).flatMap((report) => report.cuid ?? []),
    { alsoKeys: [...states.values()].flatMap((state) => state.user_key ?? []) },
  )
  const merged = reports.map((report): ConversationOutcome => {
    if (report.channelKey === undefined) return 'unknown channel'
    if (isErased(dateOf(report))) return 'erased'
    const state = fits({ ...report, channelKey: report.channelKey })
    if (!state) return 'conflict'
    const userKey = report.cuid === null ? null : (locked.get(report.cuid)?.user_key ?? null)
    const changed = mergeConversation(state, report, userKey, tx.now)
    return changed || created.delete(state.conversation_key) ? 'recorded' : 'unchanged'
  })
  const changed = [...states].filter(([id, state]) => !sameState(state, before.get(id)))
  await writeStates(
    tx,
    orgId,
    changed.map(([, state]) => state),
  )
  const concerned = changed.flatMap(([id, state]) => [state.user_key ?? [], before.get(id)?.user_key ?? []].flat())
  const users = new Set([...concerned, ...newUsers])
  await refreshDerivedUsers(tx, orgId, [...users])
  await refreshLists(tx, orgId, [...users])
  const changedStates = new Set(changed.map(([, state]) => state))
  await planProfileReads(
    tx,
    orgId,
    known.flatMap((report) => {
      const state = channels.get(report.mediumId)?.hasAccessToken ? states.get(placeOf(report)) : undefined
      if (!state || !isProfileOld(state.profile_read_timestamp, tx.now)) return []
      const isWanted = state.profile_read_timestamp === null || changedStates.has(state)
      return isWanted ? { conversationKey: state.conversation_key, channelKey: report.channelKey } : []
    }),
  )
  // several reports that end where they began have recorded nothing
  const changedPlaces = new Set([...changed.map(([id]) => id), ...createdPlaces])
  return merged.map((outcome, index) => {
    const report = reports[index]
    if (outcome !== 'recorded' || report?.channelKey === undefined) return outcome
    return changedPlaces.has(placeOf({ ...report, channelKey: report.channelKey })) ? outcome : 'unchanged'
  })
}

const dateOf = ({ cuid, eventTimestamp }: ConversationReport) => ({ cuid, timestamp: eventTimestamp })

type KeyedReport = ConversationReport & { channelKey: number }

const placeOf = (report: KeyedReport) => `${report.channelKey} ${report.platformUserId}`

function sameState(state: ConversationState, before: ConversationState | undefined): boolean {
  return before !== undefined && JSON.stringify(state) === JSON.stringify(before)
}

interface KnownChannel {
  channelKey: number
  /** whether the platform can be asked for profiles */
  hasAccessToken: boolean
}

async function readChannels(tx: Tx, orgId: number): Promise<Map<string, KnownChannel>> {
  const rows = await tx.db
    .selectFrom('channels as c')
    .select(['c.medium_id', 'c.channel_key'])
    .select(({ eb }) => eb('c.access_token_ciphertext', 'is not', null).as('has_access_token'))
    .where('c.org_id', '=', orgId)
    .execute()
  return new Map(
    rows.map((row) => [row.medium_id, { channelKey: row.channel_key, hasAccessToken: Boolean(row.has_access_token) }]),
  )
}

/** @returns the keys of the conversations that this call made */
async function createMissing(tx: Tx, orgId: number, reports: KeyedReport[]): Promise<Set<number>> {
  const places = new Map<string, { channel_key: number; platform_user_id: string; conversation_id: string }>()
  for (const report of reports) {
    if (places.has(placeOf(report))) continue
    places.set(placeOf(report), {
      channel_key: report.channelKey,
      platform_user_id: report.platformUserId,
      conversation_id: report.conversationId ?? randomBytes(12).toString('hex'),
    })
  }
  // sorted, for two writes that make the same conversations at once
  const rows = [...places].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, row]) => row)
  const types = { channel_key: 'bigint', platform_user_id: 'text', conversation_id: 'text' } as const
  const made = await sql<{ conversation_key: number }>`
    /* conversations.create */
    insert into conversations (org_id, conversation_key, conversation_id, channel_key, platform_user_id)
    select ${orgId}, ${newKey(tx.db, 'conversations', 'conversation_key', orgId)}, k.conversation_id, k.channel_key,
      k.platform_user_id
    from ${rowsTable(tx.db, 'k', types, rows)}
    where not exists (
      select 1 from conversations c
      where c.org_id = ${orgId} and c.channel_key = k.channel_key and c.platform_user_id = k.platform_user_id
      ${rowByRow(tx.db)})
    on conflict do nothing
    returning conversation_key`.execute(tx.db)
  return new Set(made.rows.map((row) => row.conversation_key))
}

async function lockStates(tx: Tx, orgId: number, reports: KeyedReport[]): Promise<Map<string, ConversationState>> {
  const places = new Map(
    reports.map((report) => [
      placeOf(report),
      { channel_key: report.channelKey, platform_user_id: report.platformUserId },
    ]),
  )
  const types = { channel_key: 'bigint', platform_user_id: 'text' } as const
  const isAt = sql`c.org_id = ${orgId} and c.channel_key = k.channel_key and c.platform_user_id = k.platform_user_id`
  const { rows } = await sql<ConversationState & { channel_key: number; platform_user_id: string }>`
    /* conversations.lock */
    select c.channel_key, c.platform_user_id, c.conversation_key, c.conversation_id, c.user_key, c.user_timestamp,
      c.user_name, c.user_name_timestamp, c.first_name, c.first_name_timestamp, c.first_name_arrived_timestamp, c.last_name,
      c.last_name_timestamp, c.last_name_arrived_timestamp, c.profile_pic, c.profile_pic_timestamp,
      c.last_user_message_timestamp, c.profile_read_timestamp
    from (
      select c.conversation_key from ${rowsTable(tx.db, 'k', types, [...places.values()])} ${joinEach(tx.db, 'conversations', 'c', isAt)}
      order by c.conversation_key) k
      ${lockEach(tx.db, 'conversations', 'c', sql`c.org_id = ${orgId} and c.conversation_key = k.conversation_key`)}`.execute(
    tx.db,
  )
  return new Map(
    rows.map(({ channel_key, platform_user_id, ...state }) => [`${channel_key} ${platform_user_id}`, state]),
  )
}

const STATE_TYPES = {
  conversation_key: 'bigint',
  user_key: 'bigint',
  user_timestamp: 'bigint',
  user_name: 'text',
  user_name_timestamp: 'bigint',
  first_name: 'text',
  first_name_timestamp: 'bigint',
  first_name_arrived_timestamp: 'bigint',
  last_name: 'text',
  last_name_timestamp: 'bigint',
  last_name_arrived_timestamp: 'bigint',
  profile_pic: 'text',
  profile_pic_timestamp: 'bigint',
  last_user_message_timestamp: 'bigint',
} as const

async function writeStates(tx: Tx, orgId: number, states: ConversationState[]): Promise<void> {
  const { conversation_key: _, ...written } = STATE_TYPES
  const names = Object.keys(written) as (keyof typeof written)[]
  await updateEach(tx.db, 'conversations.write', STATE_TYPES, states, {
    table: 'conversations as c',
    set: (k) => sql.join(names.map((name) => sql`${sql.ref(name)} = ${k(name)}`)),
    on: (k) => sql`c.org_id = ${orgId} and c.conversation_key = ${k('conversation_key')}`,
  })
}
