import { sql } from 'kysely'
import type { Store } from '../database/store.ts'
import { streamRows } from '../database/stream.ts'
import { personName } from './erase-conversation.ts'
import type { Erased } from './erase-user.ts'
import type { ErasureRecord } from './erasures-file.ts'
import { hashUser } from './user-hash.ts'

export interface Reapplied {
  /** erasures that the store did not know */
  reapplied: number
  /** of how many of them the store had the user, or the conversation of who was no user */
  users: number
}

/**
 * Does once more what the store has no receipt of: it was put back from a backup that is older than the erasures. An
 * organization that is not there is passed over. A second time it does nothing.
 */
export async function reapplyErasures(
  store: Store,
  erasureKey: Uint8Array,
  records: ErasureRecord[],
): Promise<Reapplied> {
  const sums: Reapplied = { reapplied: 0, users: 0 }
  for (const [organizationId, own] of Map.groupBy(records, (record) => record.organizationId)) {
    const organization = await store.db
      .selectFrom('organizations as o')
      .select('o.org_id')
      .where('o.organization_id', '=', organizationId)
      .executeTakeFirst()
    if (!organization) continue
    const orgId = organization.org_id
    const missing = await withoutReceipt(store, orgId, own)
    const erasedOf = await findErased(store, orgId, erasureKey, new Set(missing.map((record) => record.userHash)))
    for (const { receiptId, userHash, erasedTimestamp } of missing) {
      const erased = erasedOf.get(userHash) ?? null
      // a second erasure of the same user finds nobody
      erasedOf.delete(userHash)
      await store.write('reapplyErasure', { orgId, receiptId, userHash, erasedTimestamp, erased })
      sums.reapplied += 1
      if (erased !== null) sums.users += 1
    }
  }
  return sums
}

async function withoutReceipt(store: Store, orgId: number, records: ErasureRecord[]): Promise<ErasureRecord[]> {
  const receipts = await store.db
    .selectFrom('receipts as r')
    .select('r.receipt_id')
    .where('r.org_id', '=', orgId)
    .execute()
  const known = new Set(receipts.map((receipt) => receipt.receipt_id))
  const missing = records.filter((record) => !known.has(record.receiptId))
  // one whose answer was asked for again stands there again
  return [...new Map(missing.map((record) => [record.receiptId, record])).values()]
}

/** Only by hashing each can be told who it is: some seconds for a million users. */
async function findErased(
  store: Store,
  orgId: number,
  erasureKey: Uint8Array,
  hashes: ReadonlySet<string>,
): Promise<Map<string, Erased>> {
  const found = new Map<string, Erased>()
  if (hashes.size === 0) return found
  const look = (name: string, erased: Erased) => {
    const hash = hashUser(erasureKey, orgId, name)
    if (hashes.has(hash)) found.set(hash, erased)
  }
  await store.snapshot(async (db) => {
    const users = db.selectFrom('users as u').select('u.cuid').where('u.org_id', '=', orgId)
    for await (const { cuid } of streamRows<{ cuid: string }>(db, 'erasure_users', users)) look(cuid, { cuid })
    for await (const { mediumId, ...erased } of streamRows<Person>(db, 'erasure_people', selectPeople(orgId))) {
      look(personName(mediumId, erased.platformUserId), erased)
    }
  })
  return found
}

type Person = Exclude<Erased, { cuid: string }> & { mediumId: string }

/** Who has written on channels and is no user, those of whom there are only events first. */
function selectPeople(orgId: number) {
  return sql<Person>`
    select h.medium_id as "mediumId", p.channel_key as "channelKey", p.platform_user_id as "platformUserId",
      p.conversation_key as "conversationKey"
    from (
      select e.channel_key, e.platform_user_id, null as conversation_key from webhook_events e where e.org_id = ${orgId}
      union all
      select c.channel_key, c.platform_user_id, c.conversation_key from conversations c
      where c.org_id = ${orgId} and c.user_key is null) p
      join channels h on h.org_id = ${orgId} and h.channel_key = p.channel_key
    order by case when p.conversation_key is null then 0 else 1 end`
}
