import { shareRules } from '../database/rules-lock.ts'
import type { Store } from '../database/store.ts'
import type { Tx } from '../database/write.ts'
import { lockUserKeys } from '../users/lock-users.ts'
import { refreshLists } from './refresh.ts'

/** Users judged in one transaction: some ms, so that no other write waits long. */
const CHUNK_USERS = 500

/**
 * Judges anew a bounded number of users whose mark in this workspace has fallen due: time alone may have changed it.
 *
 * @returns how many; 0 when nobody is due
 */
export async function settleDue(
  tx: Tx,
  { orgId, workspaceId }: { orgId: number; workspaceId: string },
): Promise<number> {
  await shareRules(tx, orgId)
  const due = await tx.db
    .selectFrom('workspaces as w')
    .innerJoin('vip_marks as m', (join) =>
      join
        .onRef('m.org_id', '=', 'w.org_id')
        .onRef('m.workspace_key', '=', 'w.workspace_key')
        .onRef('m.generation', '=', 'w.generation'),
    )
    .select('m.user_key')
    .where('w.org_id', '=', orgId)
    .where('w.workspace_id', '=', workspaceId)
    .where('m.due_timestamp', '<=', tx.now)
    .orderBy('m.due_timestamp')
    .limit(CHUNK_USERS)
    .execute()
  const userKeys = due.map((mark) => mark.user_key)
  if (userKeys.length === 0) return 0
  await lockUserKeys(tx, orgId, userKeys)
  await refreshLists(tx, orgId, userKeys)
  return userKeys.length
}

/**
 * Settles whoever is due in one workspace.
 *
 * @param settleSome  the write `settleDue` of the workspace
 * @param signal  stops it between two chunks
 * @returns how many were
 */
export async function settleWorkspace(settleSome: () => Promise<number>, signal?: AbortSignal): Promise<number> {
  let settled = 0
  while (!signal?.aborted) {
    const users = await settleSome()
    if (users === 0) break
    settled += users
  }
  return settled
}

/** Settles whoever is due now, in every organization. @param signal stops it between two chunks */
export async function settleAllDue(
  store: Pick<Store, 'db' | 'write'>,
  now: number,
  signal: AbortSignal,
): Promise<void> {
  const workspaces = await store.db
    .selectFrom('workspaces as w')
    .select(['w.org_id', 'w.workspace_id'])
    .where('w.type', '=', 'VIP')
    .where((is) =>
      is.exists(
        is
          .selectFrom('vip_marks as m')
          .select('m.user_key')
          .whereRef('m.org_id', '=', 'w.org_id')
          .whereRef('m.workspace_key', '=', 'w.workspace_key')
          .whereRef('m.generation', '=', 'w.generation')
          .where('m.due_timestamp', '<=', now),
      ),
    )
    .execute()
  for (const { org_id: orgId, workspace_id: workspaceId } of workspaces) {
    await settleWorkspace(() => store.write('settleDue', { orgId, workspaceId }), signal)
  }
}
