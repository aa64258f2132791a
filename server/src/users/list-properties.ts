import { type Kysely, sql } from 'kysely'
import type { Schema } from '../database/schema.ts'
import type { PropertyValue } from '../workspaces/vip-indicator.ts'

/** A user's properties as they were sent, in the order of their keys as bytes; of an unknown user none. */
export async function listProperties(
  db: Kysely<Schema>,
  { orgId, cuid }: { orgId: number; cuid: string },
): Promise<{ key: string; value: PropertyValue }[]> {
  const { rows } = await sql<{ key: string; value: string }>`
    /* properties.of-user */
    select p.key, p.value
    from users u join properties p on p.org_id = u.org_id and p.user_key = u.user_key
    where u.org_id = ${orgId} and u.cuid = ${cuid} and p.value is not null
    order by p.key`.execute(db)
  return rows.map(({ key, value }) => ({ key, value: JSON.parse(value) }))
}
