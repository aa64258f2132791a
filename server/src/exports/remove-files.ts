import type { Store } from '../database/store.ts'
import { KEPT_MS } from './export-rows.ts'
import type { ExportStorage } from './storage.ts'

/** A clock of another machine, and an export that takes long until it writes something. */
const SLACK_MS = 600_000
/** What a bucket is to delete by itself is older. */
const DAY_MS = 86_400_000

/**
 * Deletes the files of exports that nobody may fetch any more: expired, ended by an erasure, or begun by a server that
 * was killed. Those in a bucket that the settings do not name are left to a server that knows it, for a day.
 *
 * @param orgId left out: of all organizations
 * @param signal stops it; the next time goes on there
 * @throws Error of the storage, and where an erasure has ended an export of the organization `orgId` that lies in such a
 *   bucket, where it can still be fetched; what is left then is deleted the next time
 */
export async function removeFiles(
  store: Pick<Store, 'db' | 'write'>,
  storage: ExportStorage,
  { now, orgId, signal }: { now: number; orgId?: number; signal?: AbortSignal },
): Promise<void> {
  let ended = store.db
    .selectFrom('exports as e')
    .select(['e.org_id', 'e.file_name', 'e.created_timestamp', 'e.expires_timestamp', 'e.bucket'])
    .where(({ or, eb }) => or([eb('e.state', '=', 'ended'), eb('e.expires_timestamp', '<=', now)]))
  if (orgId !== undefined) ended = ended.where('e.org_id', '=', orgId)
  // the own disk first: a bucket that does not answer keeps nothing on it
  if (orgId === undefined) {
    await removeForgotten(store, storage)
    await storage.removeOld({ kept: now - KEPT_MS - SLACK_MS, begun: now - SLACK_MS })
  }
  let elsewhere: string | null = null
  for (const { org_id, file_name: fileName, created_timestamp, expires_timestamp, bucket } of await ended.execute()) {
    if (bucket === null || bucket === storage.bucket) await storage.remove(fileName, bucket, signal)
    else if (created_timestamp > now - DAY_MS) {
      // of those that were stored, which alone somebody was given an address of
      if (expires_timestamp === 0) elsewhere = bucket
      continue
    }
    // one that is still being made leaves its row to whoever makes it
    if (expires_timestamp <= now) await store.write('forgetExport', { orgId: org_id, fileName })
  }
  if (orgId !== undefined && elsewhere !== null)
    throw new Error(`Exports of the organization are in the bucket ${elsewhere}`)
}

/** Another server deletes an ended export from its own disk and forgets it: ours may still hold the file. */
async function removeForgotten({ db }: Pick<Store, 'db'>, storage: ExportStorage): Promise<void> {
  const names = await storage.listLocal()
  if (names.length === 0) return
  const rows = await db.selectFrom('exports as e').select('e.file_name').execute()
  const known = new Set(rows.map((row) => row.file_name))
  for (const name of names) {
    const fileName = name.replace(/\.part$/, '')
    if (!known.has(fileName)) await storage.remove(fileName, null)
  }
}

/** Of each bucket that has exports of the last day and that the settings do not name, a sentence for who starts the server. */
export async function warnOfOtherBuckets({ db }: Pick<Store, 'db'>, storage: ExportStorage): Promise<string[]> {
  const rows = await db
    .selectFrom('exports as e')
    .select('e.bucket')
    .distinct()
    .where('e.bucket', 'is not', null)
    .execute()
  return rows
    .filter(({ bucket }) => bucket !== storage.bucket)
    .map(
      ({ bucket }) =>
        `exports are in the bucket ${bucket}, which the settings do not name: until a server that knows it has deleted ` +
        'them, an hour after they were made, or a day has passed, erasures in their organizations are answered 503',
    )
}
