import { type RawBuilder, sql } from 'kysely'

/** `(purchase_id)`, for `in`: every purchase of a user. */
export function purchaseIdsOf(orgId: number, userKey: number): RawBuilder<string> {
  return sql`(select p.purchase_id from purchases p where p.org_id = ${orgId} and p.user_key = ${userKey})`
}
