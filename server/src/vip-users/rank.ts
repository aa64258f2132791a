import { type Kysely, sql } from 'kysely'
import type { Schema } from '../database/schema.ts'
import type { ListKey, RowKey } from './ranges.ts'

/**
 * Where in a list the row with this key stands, 1-based: the counts of the ranges before its own, and the rows of its
 * own range before it. Never more than one range is looked through.
 */
export async function rankOf(db: Kysely<Schema>, orgId: number, list: ListKey, key: RowKey): Promise<number> {
  const ofRanges = ofList(orgId, list, 'r')
  const rowKey = sql`(${BigInt(key.negatedLtvMicros)}, ${key.conversationId})`
  const ranges = await sql<{ ltv: string; id: string }>`
    /* vip-user-ranges.of-row */
    select cast(r.first_negated_ltv_micros as text) as ltv, r.first_conversation_id as id
    from vip_user_ranges r
    where ${ofRanges} and (r.first_negated_ltv_micros, r.first_conversation_id) <= ${rowKey}
    order by r.first_negated_ltv_micros desc, r.first_conversation_id desc
    limit 1`.execute(db)
  const [range] = ranges.rows
  if (!range) throw new Error(`List ${list.workspaceKey}/${list.channelKey}/${list.generation} has no range for a row`)
  const first = sql`(${BigInt(range.ltv)}, ${range.id})`
  const { rows } = await sql<{ before: number }>`
    /* vip-users.rank */
    select cast(
      coalesce((
        select sum(r.row_count) from vip_user_ranges r
        where ${ofRanges} and (r.first_negated_ltv_micros, r.first_conversation_id) < ${first}), 0)
      + (
        select count(*) from vip_users v
        where ${ofList(orgId, list, 'v')} and (v.negated_ltv_micros, v.conversation_id) >= ${first}
          and (v.negated_ltv_micros, v.conversation_id) < ${rowKey}) as bigint) as before`.execute(db)
  return Number(rows[0]?.before) + 1
}

/** How many rows a list has. */
export async function totalOf(db: Kysely<Schema>, orgId: number, list: ListKey): Promise<number> {
  const { rows } = await sql<{ total: number }>`
    select cast(coalesce(sum(r.row_count), 0) as bigint) as total
    from vip_user_ranges r
    where ${ofList(orgId, list, 'r')}`.execute(db)
  return Number(rows[0]?.total)
}

/** The condition that rows or ranges are of this list. */
function ofList(orgId: number, list: ListKey, alias: string) {
  const of = sql.raw(alias)
  return sql`${of}.org_id = ${orgId} and ${of}.workspace_key = ${list.workspaceKey}
    and ${of}.channel_key = ${list.channelKey} and ${of}.generation = ${list.generation}`
}
