import type { Store } from '../database/store.ts'
import { KEPT_MS } from './export-rows.ts'
import type { ExportStorage } from './storage.ts'

/** A clock of another machine, and an export that takes long; one that is being made is written to all the time. */
const SLACK_MS = 600_000

/**
 * Deletes the files of exports that nobody may fetch any more: expired, ended by an erasure, or begun by a server that
 * was killed.
 *
 * @param orgId left out: of all organizations
 * @throws Error of the storage; what is left then is deleted the next time
 */
export async function removeFiles(
  store: Pick<Store, 'db' | 'write'>,
  storage: ExportStorage,
  { now, orgId }: { now: number; orgId?: number },
): Promise<void> {
  let ended = store.db
    .selectFrom('exports as e')
    .select(['e.org_id', 'e.file_name', 'e.expires_timestamp'])
    .where(({ or, eb }) => or([eb('e.state', '=', 'ended'), eb('e.expires_timestamp', '<=', now)]))
  if (orgId !== undefined) ended = ended.where('e.org_id', '=', orgId)
  for (const { org_id, file_name: fileName, expires_timestamp } of await ended.execute()) {
    await storage.remove(fileName)
    // one that is still being made leaves its row to whoever makes it
    if (expires_timestamp <= now) await store.write('forgetExport', { orgId: org_id, fileName })
  }
  if (orgId !== undefined) return
  await removeForgotten(store, storage)
  await storage.removeOld({ kept: now - KEPT_MS - SLACK_MS, begun: now - SLACK_MS })
}

/** Another server deletes an ended export from its own disk and forgets it: ours may still hold the file. */
async function removeForgotten({ db }: Pick<Store, 'db'>, storage: ExportStorage): Promise<void> {
  const names = await storage.listLocal()
  if (names.length === 0) return
  const rows = await db.selectFrom('exports as e').select('e.file_name').execute()
  const known = new Set(rows.map((row) => row.file_name))
  for (const name of names) {
    const fileName = name.replace(/\.part$/, '')
    if (!known.has(fileName)) await storage.remove(fileName)
  }
}
