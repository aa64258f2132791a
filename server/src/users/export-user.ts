import { type Kysely, sql } from 'kysely'
import type { Schema } from '../database/schema.ts'
import type { Store } from '../database/store.ts'
import { microsToNumber } from './money.ts'
import { purchasesOf } from './purchases-of-user.ts'

/**
 * All that is kept of one user, as a subject access request asks for it: facts as they came, with their times (epoch
 * ms), and what is derived from them. From one snapshot.
 *
 * @returns null where the organization has no such user
 */
export async function exportUser(store: Store, { orgId, cuid }: { orgId: number; cuid: string }) {
  return await store.snapshot(async (db) => {
    const user = await db
      .selectFrom('users as u')
      .select(['u.user_key', 'u.cuid', 'u.first_name as firstName', 'u.last_name as lastName', 'u.birthday'])
      .select(sql<string>`cast(coalesce(u.ltv_property_micros, u.purchases_micros) as text)`.as('ltvMicros'))
      .select('u.last_purchase_timestamp as lastPurchaseTimestamp')
      .select('u.last_app_open_timestamp as lastAppOpenTimestamp')
      .where('u.org_id', '=', orgId)
      .where('u.cuid', '=', cuid)
      .executeTakeFirst()
    if (!user) return null
    const { user_key: userKey, ltvMicros, ...known } = user
    return {
      ...known,
      ltv: microsToNumber(BigInt(ltvMicros)),
      properties: await readOwnProperties(db, orgId, userKey),
      purchases: await readOwnPurchases(db, orgId, userKey),
      personalInformation: await readPersonalInformation(db, orgId, userKey),
      conversations: await readConversations(db, orgId, userKey),
      webhookEvents: await readWebhookEvents(db, orgId, userKey),
      links: await readLinks(db, orgId, userKey),
      idempotentAnswers: await readAnswers(db, orgId, userKey),
      vipMarks: await readVipMarks(db, orgId, userKey),
      listRows: await readListRows(db, orgId, userKey),
    }
  })
}

/** Those that were removed too, with a value of null. */
async function readOwnProperties(db: Kysely<Schema>, orgId: number, userKey: number) {
  const rows = await db
    .selectFrom('properties as p')
    .select(['p.key', 'p.value', 'p.event_timestamp as eventTimestamp', 'p.arrived_timestamp as arrivedTimestamp'])
    .where('p.org_id', '=', orgId)
    .where('p.user_key', '=', userKey)
    .orderBy('p.key')
    .execute()
  return rows.map(({ value, ...row }) => ({ ...row, value: value === null ? null : (JSON.parse(value) as unknown) }))
}

async function readOwnPurchases(db: Kysely<Schema>, orgId: number, userKey: number) {
  const rows = await db
    .selectFrom('purchases as p')
    .select(['p.purchase_id as purchaseId', 'p.timestamp'])
    .select(sql<string>`cast(p.revenue_micros as text)`.as('micros'))
    .where('p.org_id', '=', orgId)
    .where('p.purchase_id', 'in', sql<string>`(select c.purchase_id from ${purchasesOf(db, orgId, [userKey])} c)`)
    .orderBy('p.timestamp')
    .orderBy('p.purchase_id')
    .execute()
  return rows.map(({ micros, ...row }) => ({ ...row, revenue: microsToNumber(BigInt(micros)) }))
}

async function readPersonalInformation(db: Kysely<Schema>, orgId: number, userKey: number) {
  return await db
    .selectFrom('personal_information as i')
    .select(['i.field', 'i.source', 'i.value', 'i.author'])
    .select(['i.event_timestamp as eventTimestamp', 'i.arrived_timestamp as arrivedTimestamp'])
    .where('i.org_id', '=', orgId)
    .where('i.user_key', '=', userKey)
    .orderBy('i.field')
    .orderBy('i.source')
    .execute()
}

async function readConversations(db: Kysely<Schema>, orgId: number, userKey: number) {
  return await selectConversations(db, orgId).where('c.user_key', '=', userKey).orderBy('c.conversation_key').execute()
}

/** All that is kept of conversations themselves. */
export function selectConversations(db: Kysely<Schema>, orgId: number) {
  return db
    .selectFrom('conversations as c')
    .innerJoin('channels as h', (join) =>
      join.onRef('h.org_id', '=', 'c.org_id').onRef('h.channel_key', '=', 'c.channel_key'),
    )
    .leftJoin('profile_reads as r', (join) =>
      join.onRef('r.org_id', '=', 'c.org_id').onRef('r.conversation_key', '=', 'c.conversation_key'),
    )
    .select(['c.conversation_id as conversationId', 'h.medium_id as mediumId'])
    .select(['c.platform_user_id as platformUserId', 'c.user_timestamp as identifiedTimestamp'])
    .select(['c.user_name as userName', 'c.user_name_timestamp as userNameTimestamp'])
    .select(['c.first_name as firstName', 'c.first_name_timestamp as firstNameTimestamp'])
    .select('c.first_name_arrived_timestamp as firstNameArrivedTimestamp')
    .select(['c.last_name as lastName', 'c.last_name_timestamp as lastNameTimestamp'])
    .select('c.last_name_arrived_timestamp as lastNameArrivedTimestamp')
    .select(['c.profile_pic as profilePic', 'c.profile_pic_timestamp as profilePicTimestamp'])
    .select('c.last_user_message_timestamp as lastUserMessageTimestamp')
    .select(['c.profile_read_timestamp as profileReadTimestamp', 'r.due_timestamp as profileReadDueTimestamp'])
    .select('r.attempts as profileReadAttempts')
    .where('c.org_id', '=', orgId)
}

/** What the user's conversations were told of, and is still to be worked off. */
async function readWebhookEvents(db: Kysely<Schema>, orgId: number, userKey: number) {
  return await db
    .selectFrom('conversations as c')
    .innerJoin('webhook_events as e', (join) =>
      join
        .onRef('e.org_id', '=', 'c.org_id')
        .onRef('e.channel_key', '=', 'c.channel_key')
        .onRef('e.platform_user_id', '=', 'c.platform_user_id'),
    )
    .select(['c.conversation_id as conversationId', 'e.kind', 'e.timestamp', 'e.link_id as d10xLinkId'])
    .select('e.received_timestamp as receivedTimestamp')
    .where('c.org_id', '=', orgId)
    .where('c.user_key', '=', userKey)
    .orderBy('e.event_key')
    .execute()
}

/** Those of the user's conversations, and those that were made for the user. */
async function readLinks(db: Kysely<Schema>, orgId: number, userKey: number) {
  return await db
    .selectFrom('links as l')
    .leftJoin('conversations as c', (join) =>
      join.onRef('c.org_id', '=', 'l.org_id').onRef('c.conversation_key', '=', 'l.conversation_key'),
    )
    .select(['l.link_id as d10xLinkId', 'c.conversation_id as conversationId'])
    .select('l.user_timestamp as identifiedTimestamp')
    .select(['l.created_timestamp as createdTimestamp', 'l.converted_timestamp as convertedTimestamp'])
    .where('l.org_id', '=', orgId)
    .where((is) => is.or([is('l.user_key', '=', userKey), is('c.user_key', '=', userKey)]))
    .orderBy('l.link_id')
    .execute()
}

async function readAnswers(db: Kysely<Schema>, orgId: number, userKey: number) {
  return await db
    .selectFrom('idempotent_answers as a')
    .select(['a.route', 'a.result', 'a.created_timestamp as createdTimestamp'])
    .where('a.org_id', '=', orgId)
    .where('a.user_key', '=', userKey)
    .orderBy('a.created_timestamp')
    .execute()
}

async function readVipMarks(db: Kysely<Schema>, orgId: number, userKey: number) {
  const rows = await db
    .selectFrom('workspaces as w')
    .innerJoin('vip_marks as m', (join) =>
      join
        .onRef('m.org_id', '=', 'w.org_id')
        .onRef('m.workspace_key', '=', 'w.workspace_key')
        .onRef('m.generation', '=', 'w.generation'),
    )
    .select(['w.workspace_id as workspaceId', 'm.vip'])
    .select(['m.judged_timestamp as judgedTimestamp', 'm.due_timestamp as dueTimestamp'])
    .where('w.org_id', '=', orgId)
    .where('m.user_key', '=', userKey)
    .orderBy('w.workspace_key')
    .execute()
  return rows.map((row) => ({ ...row, vip: row.vip === 1 }))
}

async function readListRows(db: Kysely<Schema>, orgId: number, userKey: number) {
  const rows = await db
    .selectFrom('vip_users as v')
    .innerJoin('workspaces as w', (join) =>
      join
        .onRef('w.org_id', '=', 'v.org_id')
        .onRef('w.workspace_key', '=', 'v.workspace_key')
        .onRef('w.generation', '=', 'v.generation'),
    )
    .innerJoin('channels as h', (join) =>
      join.onRef('h.org_id', '=', 'v.org_id').onRef('h.channel_key', '=', 'v.channel_key'),
    )
    .select(['w.workspace_id as workspaceId', 'h.medium_id as mediumId', 'v.row'])
    .where('v.org_id', '=', orgId)
    .where('v.user_key', '=', userKey)
    .orderBy('w.workspace_key')
    .orderBy('h.channel_key')
    .orderBy('v.conversation_id')
    .execute()
  return rows.map(({ row, ...place }) => ({ ...place, row: JSON.parse(row) as Record<string, unknown> }))
}
