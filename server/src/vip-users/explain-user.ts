import type { Store } from '../database/store.ts'
import { type ExplainedFields, explainFields } from '../users/explain-fields.ts'
import { explainLists, type WorkspaceExplanation } from './explain-lists.ts'
import { settleWorkspace } from './settle-due.ts'

export interface UserExplanation extends ExplainedFields {
  cuid: string
  workspaces: WorkspaceExplanation[]
}

/**
 * Says of a user what is known, why it is that, and where it shows: all of it at one moment, as a list answer at that
 * moment has it.
 *
 * @returns null where the organization has no such user
 */
export async function explainUser(
  store: Store,
  { orgId, cuid, now }: { orgId: number; cuid: string; now: number },
): Promise<UserExplanation | null> {
  for (const workspaceId of await readVipWorkspaces(store, orgId)) {
    await settleWorkspace(() => store.write('settleDue', { orgId, workspaceId }))
  }
  return await store.snapshot(async (db) => {
    const user = await db
      .selectFrom('users as u')
      .select('u.user_key')
      .where('u.org_id', '=', orgId)
      .where('u.cuid', '=', cuid)
      .executeTakeFirst()
    if (!user) return null
    const fields = await explainFields(db, orgId, user.user_key)
    return { cuid, ...fields, workspaces: await explainLists(db, orgId, user.user_key, now) }
  })
}

async function readVipWorkspaces({ db }: Store, orgId: number): Promise<string[]> {
  const rows = await db
    .selectFrom('workspaces as w')
    .select('w.workspace_id')
    .where('w.org_id', '=', orgId)
    .where('w.type', '=', 'VIP')
    .execute()
  return rows.map((row) => row.workspace_id)
}
