import type { Store } from '../database/store.ts'
import { doAll } from './do-all.ts'
import { KEPT_MS } from './export-rows.ts'
import type { ExportStorage } from './storage.ts'

/** A clock of another machine, and an export that takes long until it writes something. */
const SLACK_MS = 600_000
/** What a bucket is to delete by itself is older. */
const DAY_MS = 86_400_000

interface RemoveOptions {
  /** epoch ms */
  now: number
  /** left out: of all organizations */
  orgId?: number
  /** stops it; the next time goes on there */
  signal?: AbortSignal
}

/**
 * Deletes the files of exports that nobody may fetch any more: expired, ended by an erasure, or begun by a server that
 * was killed. Those in a bucket that the settings do not name are left to a server that knows it, for a day. One on the
 * disk that cannot be deleted keeps no other.
 *
 * @throws Error of the storage, and where an erasure has ended an export of the organization `orgId` that lies in such a
 *   bucket, where it can still be fetched; what is left then is deleted the next time
 */
export async function removeFiles(
  store: Pick<Store, 'db' | 'write'>,
  storage: ExportStorage,
  options: RemoveOptions,
): Promise<void> {
  const { now, orgId } = options
  if (orgId !== undefined) return await removeEnded(store, storage, options)
  await doAll([
    // the own disk first: a bucket that does not answer keeps nothing on it
    () => removeForgotten(store, storage),
    () => storage.removeOld({ kept: now - KEPT_MS - SLACK_MS, begun: now - SLACK_MS }),
    () => removeEnded(store, storage, options),
  ])
}

async function removeEnded(
  store: Pick<Store, 'db' | 'write'>,
  storage: ExportStorage,
  { now, orgId, signal }: RemoveOptions,
): Promise<void> {
  const ended = await readEnded(store, now, orgId)
  const elsewhere = ended.filter(({ bucket }) => bucket !== null && bucket !== storage.bucket)
  const ours = ended.filter((row) => !elsewhere.includes(row))
  async function forget({ org_id: orgId, file_name: fileName, expires_timestamp }: Ended): Promise<void> {
    // one that is still being made leaves its row to whoever makes it
    if (expires_timestamp <= now) await store.write('forgetExport', { orgId, fileName })
  }
  async function remove(row: Ended): Promise<void> {
    await storage.remove(row.file_name, row.bucket, signal)
    await forget(row)
  }
  const isRecent = (row: Ended) => row.created_timestamp > now - DAY_MS
  await doAll([
    ...ours.filter(({ bucket }) => bucket === null).map((row) => () => remove(row)),
    async () => {
      // one that does not answer is waited for once
      for (const row of ours.filter(({ bucket }) => bucket !== null)) await remove(row)
    },
    ...elsewhere.filter((row) => !isRecent(row)).map((row) => () => forget(row)),
  ])
  // of those that were stored, which alone somebody was given an address of
  const fetchable = elsewhere.find((row) => isRecent(row) && row.expires_timestamp === 0)
  if (orgId !== undefined && fetchable)
    throw new Error(`Exports of the organization are in the bucket ${fetchable.bucket}`)
}

type Ended = Awaited<ReturnType<typeof readEnded>>[number]

async function readEnded({ db }: Pick<Store, 'db'>, now: number, orgId: number | undefined) {
  const ended = db
    .selectFrom('exports as e')
    .select(['e.org_id', 'e.file_name', 'e.created_timestamp', 'e.expires_timestamp', 'e.bucket'])
    .where(({ or, eb }) => or([eb('e.state', '=', 'ended'), eb('e.expires_timestamp', '<=', now)]))
  return await (orgId === undefined ? ended : ended.where('e.org_id', '=', orgId)).execute()
}

/**
 * Deletes all files of an organization's exports, and lets none be stored that is being made.
 *
 * @throws Error as `removeFiles`
 */
export async function removeExportsOf(
  store: Pick<Store, 'db' | 'write'>,
  storage: ExportStorage,
  { now, orgId }: { now: number; orgId: number },
): Promise<void> {
  await store.write('endExports', { orgId })
  await removeFiles(store, storage, { now, orgId })
}

/** Another server deletes an ended export from its own disk and forgets it: ours may still hold the file. */
async function removeForgotten({ db }: Pick<Store, 'db'>, storage: ExportStorage): Promise<void> {
  const names = await storage.listLocal()
  if (names.length === 0) return
  const rows = await db.selectFrom('exports as e').select('e.file_name').execute()
  const known = new Set(rows.map((row) => row.file_name))
  const forgotten = names.map((name) => name.replace(/\.part$/, '')).filter((fileName) => !known.has(fileName))
  await doAll(forgotten.map((fileName) => () => storage.remove(fileName, null)))
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
