import type { Logger } from 'pino'
import type { Store } from './database/store.ts'
import { makeLists } from './vip-users/make-lists.ts'

/**
 * Takes up, one after the other and leaving the store to others in between, the lists that a server or a command was
 * making when it ended, and deletes what no list shows any more.
 *
 * @param signal  stops it between two chunks; the next start goes on there
 */
export async function resumeBuilds(store: Store, log: Logger, signal: AbortSignal): Promise<void> {
  const stoppable: Pick<Store, 'write'> = {
    write(name, args) {
      signal.throwIfAborted()
      return store.write(name, args)
    },
  }
  try {
    const building = await store.db
      .selectFrom('workspaces as w')
      .select(['w.org_id', 'w.workspace_key'])
      .where('w.building_generation', 'is not', null)
      .execute()
    for (const { org_id: orgId, workspace_key: workspaceKey } of building) {
      await makeLists(stoppable, { orgId, workspaceKey }, { considerate: true })
    }
    for (const orgId of await organizationsWithLists(store)) {
      while (await stoppable.write('deleteStale', { orgId })) await new Promise((resolve) => setTimeout(resolve, 20))
    }
  } catch (error) {
    if (!signal.aborted)
      log.error({ message: 'A list that was being made could not be completed', error: String(error) })
  }
}

async function organizationsWithLists(store: Store): Promise<number[]> {
  const rows = await store.db
    .selectFrom('workspaces as w')
    .select('w.org_id')
    .distinct()
    .where('w.type', '=', 'VIP')
    .execute()
  return rows.map((row) => row.org_id)
}
