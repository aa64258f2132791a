import { sql } from 'kysely'
import { takeRules } from '../database/rules-lock.ts'
import type { Tx } from '../database/write.ts'

/** How many rows one transaction removes: some ms, so that no other write waits long. */
const ROWS = 2_000

/** Every table with an organization's rows, its keys first: from then on nobody reads what is left. */
const TABLES: [name: string, key: string][] = [
  ['api_keys', 'api_key'],
  ['vip_users', 'workspace_key, channel_key, generation, negated_ltv_micros, conversation_id'],
  ['vip_user_ranges', 'workspace_key, channel_key, generation, first_negated_ltv_micros, first_conversation_id'],
  ['vip_marks', 'workspace_key, generation, user_key'],
  ['workspace_channels', 'workspace_key, channel_key'],
  ['workspaces', 'workspace_key'],
  ['links', 'link_id'],
  ['idempotent_answers', 'route, key_hash'],
  ['erased_users', 'user_hash'],
  ['receipts', 'receipt_id'],
  ['conversations', 'conversation_key'],
  ['channels', 'channel_key'],
  ['personal_information', 'user_key, field, source'],
  ['properties', 'user_key, key'],
  ['purchases', 'purchase_id'],
  ['users', 'user_key'],
]

/**
 * Removes a bounded part of what an organization has, all of it but its own row; call until it says false.
 *
 * @returns whether something was removed, and more may be left
 */
export async function removeOrganizationRows(tx: Tx, { orgId }: { orgId: number }): Promise<boolean> {
  await takeRules(tx, orgId)
  let removed = 0
  for (const [table, key] of TABLES) {
    const result = await sql`
      /* organizations.remove-rows */
      delete from ${sql.raw(table)} where org_id = ${orgId} and (${sql.raw(key)}) in (
        select ${sql.raw(key)} from ${sql.raw(table)} where org_id = ${orgId} limit ${ROWS - removed})`.execute(tx.db)
    removed += Number(result.numAffectedRows ?? 0)
    if (removed >= ROWS) return true
  }
  return removed > 0
}

/** Removes the organization itself, whose rows are gone. Its number may be given to the next organization. */
export async function removeOrganization(tx: Tx, { orgId }: { orgId: number }): Promise<void> {
  await sql`delete from organizations where org_id = ${orgId}`.execute(tx.db)
}
