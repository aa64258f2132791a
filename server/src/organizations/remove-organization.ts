import { sql } from 'kysely'
import { deleteFirst } from '../database/delete-first.ts'
import type { ColumnType } from '../database/rows.ts'
import { takeRules } from '../database/rules-lock.ts'
import type { Schema } from '../database/schema.ts'
import type { Tx } from '../database/write.ts'

/** How many rows one transaction removes: some ms, so that no other write waits long. */
const ROWS = 2_000

type Key = Record<string, ColumnType>

const LIST_KEY: Key = { workspace_key: 'bigint', channel_key: 'bigint', generation: 'bigint' }

/** Every table with an organization's rows but `exports`, its keys first: from then on nobody reads what is left. */
const TABLES: [name: keyof Schema, key: Key][] = [
  ['api_keys', { api_key: 'text' }],
  ['vip_users', { ...LIST_KEY, negated_ltv_micros: 'bigint', conversation_id: 'text' }],
  ['vip_user_ranges', { ...LIST_KEY, first_negated_ltv_micros: 'bigint', first_conversation_id: 'text' }],
  ['vip_marks', { workspace_key: 'bigint', generation: 'bigint', user_key: 'bigint' }],
  ['workspace_channels', { workspace_key: 'bigint', channel_key: 'bigint' }],
  ['workspaces', { workspace_key: 'bigint' }],
  ['links', { link_id: 'text' }],
  ['webhook_events', { event_key: 'bigint' }],
  ['webhook_messages', { mid_hash: 'text' }],
  ['idempotent_answers', { route: 'text', key_hash: 'text' }],
  ['erased_users', { user_hash: 'text' }],
  ['receipts', { receipt_id: 'text' }],
  ['profile_reads', { conversation_key: 'bigint' }],
  ['conversations', { conversation_key: 'bigint' }],
  ['channels', { channel_key: 'bigint' }],
  ['personal_information', { user_key: 'bigint', field: 'text', source: 'text' }],
  ['properties', { user_key: 'bigint', key: 'text' }],
  ['purchases', { purchase_id: 'text' }],
  ['users', { user_key: 'bigint' }],
]

/**
 * Removes a bounded part of what an organization has, all of it but its own row and those that lead to its exported files;
 * call until it says false.
 *
 * @returns whether something was removed, and more may be left
 */
export async function removeOrganizationRows(tx: Tx, { orgId }: { orgId: number }): Promise<boolean> {
  await takeRules(tx, orgId)
  let removed = 0
  for (const [table, key] of TABLES) {
    removed += await deleteFirst(tx.db, table, { where: sql`org_id = ${orgId}`, key, limit: ROWS - removed })
    if (removed >= ROWS) return true
  }
  return removed > 0
}

/**
 * Removes the organization itself, whose rows and exported files are gone. Its number may be given to the next
 * organization.
 */
export async function removeOrganization(tx: Tx, { orgId }: { orgId: number }): Promise<void> {
  // what is still being made then finds itself ended, and is deleted by whoever makes it
  await sql`delete from exports where org_id = ${orgId}`.execute(tx.db)
  await sql`delete from organizations where org_id = ${orgId}`.execute(tx.db)
}
