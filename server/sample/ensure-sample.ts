import type { Store } from '../src/database/store.ts'
import type { ExportStorage } from '../src/exports/storage.ts'
import { readSampleMark, type SampleMark } from '../src/organizations/sample-mark.ts'
import type { Secrets } from '../src/secrets.ts'
import type { LoadOptions } from './load-sample.ts'

/**
 * Loads the sample where the store has no organization, or has one that a killed loading left half-way. Of several
 * servers that start at once one loads, and the others wait for it.
 *
 * @returns what the store has of the sample afterwards; null where the store has organizations of its own
 */
export async function ensureSample(
  store: Store,
  secrets: Secrets,
  { storage, ...options }: LoadOptions & { storage: ExportStorage },
): Promise<SampleMark | null> {
  // a large part of the program, which a store that has its sample does without
  const { loadSample, removeSample } = await import('./load-sample.ts')
  return await store.alone(async () => {
    const loaded = await readLoaded(store)
    if (loaded) return loaded
    const mark = await readSampleMark(store.db)
    if (mark?.state === 'loading') await removeSample(store, storage)
    return (await needsSample(store)) ? await loadSample(store, secrets, options) : null
  })
}

async function readLoaded(store: Store): Promise<SampleMark | null> {
  const mark = await readSampleMark(store.db)
  return mark?.state === 'loaded' ? mark : null
}

/** Whether there is something to load: no organization yet, or a sample that is not complete. */
export async function needsSample(store: Store): Promise<boolean> {
  if ((await readSampleMark(store.db))?.state === 'loading') return true
  const organization = await store.db.selectFrom('organizations as o').select('o.org_id').limit(1).executeTakeFirst()
  return organization === undefined
}
