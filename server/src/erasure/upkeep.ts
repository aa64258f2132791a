import type { Store } from '../database/store.ts'
import type { Tx } from '../database/write.ts'
import { compactStore } from './compact-store.ts'
import { forgetErasureRecords } from './erasures-file.ts'

/** From 03:00 to 04:00 UTC most players of most games sleep, or should. */
const QUIET_HOUR_UTC = 3
/** Somebody who reads for long may keep it from being done. */
const RETRY_MS = 300_000
const DAY_MS = 86_400_000
/** For so long older facts of an erased user are known and dropped. */
const KEPT_DAYS = 90

/**
 * What a server does about erasures in the quiet hour: it overwrites what erased rows have left, where something was
 * erased, and forgets the hashes of users erased long ago; that also when it starts.
 *
 * @param dataDir where `erasures.ndjson` is
 * @returns what is to be called every few seconds
 */
export function createErasureUpkeep(store: Store, dataDir: string): (now: number) => Promise<void> {
  let nextTimestamp = 0
  let isFirst = true
  return async (now) => {
    const isQuiet = new Date(now).getUTCHours() === QUIET_HOUR_UTC && now >= nextTimestamp
    if (isFirst || isQuiet) {
      const before = now - KEPT_DAYS * DAY_MS
      await forgetOldErasures(store, before)
      await store.alone(() => forgetErasureRecords(dataDir, before))
    }
    isFirst = false
    if (!isQuiet) return
    nextTimestamp = now + RETRY_MS
    await compactStore(store, 'erased')
  }
}

async function forgetOldErasures(store: Store, before: number): Promise<void> {
  const organizations = await store.db
    .selectFrom('erased_users as e')
    .select('e.org_id')
    .distinct()
    .where('e.erased_timestamp', '<', before)
    .execute()
  for (const { org_id: orgId } of organizations) await store.write('forgetErasures', { orgId, before })
}

/** @param before epoch ms */
export async function forgetErasures(tx: Tx, { orgId, before }: { orgId: number; before: number }): Promise<void> {
  await tx.db.deleteFrom('erased_users').where('org_id', '=', orgId).where('erased_timestamp', '<', before).execute()
}
