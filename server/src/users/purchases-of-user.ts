import { type Kysely, type RawBuilder, sql } from 'kysely'
import { userKeysTable } from '../database/rows.ts'
import type { Schema } from '../database/schema.ts'

/**
 * A table expression `(user_key, purchase_id)`: every purchase of these users, by the chain that leads from a user's
 * last one to the one before it, and on. No index by user has to be kept for it. Each step is a subquery and no join,
 * so that no planner walks all purchases for it.
 */
export function purchasesOf(db: Kysely<Schema>, orgId: number, userKeys: number[]): RawBuilder<unknown> {
  // `union` takes each purchase once: a chain that were damaged into a ring would have no end
  return sql`(
    with recursive chain (user_key, purchase_id) as (
      select k.user_key, (
        select u.last_purchase_id from users u where u.org_id = ${orgId} and u.user_key = k.user_key)
      from ${userKeysTable(db, userKeys)}
      union
      select c.user_key, (
        select p.previous_purchase_id from purchases p where p.org_id = ${orgId} and p.purchase_id = c.purchase_id)
      from chain c where c.purchase_id is not null)
    select c.user_key, c.purchase_id from chain c where c.purchase_id is not null)`
}
