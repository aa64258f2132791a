import type { Store } from '../database/store.ts'
import type { Verdicts } from './refresh.ts'

/** How long one chunk may hold the store. */
const CHUNK_MS = 50
const FIRST_CHUNK = 200
const MAX_CHUNK = 5_000

export interface MakeListsOptions {
  /** after each chunk: how many users are in */
  onProgress?: (users: number) => void
  /** leaves the store to others between chunks, for half as long as a chunk took */
  considerate?: boolean
}

/**
 * Makes the generation that a workspace is building, chunk by chunk, serves it, and deletes what it replaced.
 * Two that do this at once share the work; one that is killed is taken up where it stopped.
 *
 * @returns how the rule fared over the users that this call judged; null where nothing was being made
 */
export async function makeLists(
  store: Pick<Store, 'write'>,
  { orgId, workspaceKey }: { orgId: number; workspaceKey: number },
  options: MakeListsOptions = {},
): Promise<Verdicts | null> {
  const sums: Verdicts = { vip: 0, notVip: 0, failed: 0, firstFailure: null, failedProperties: new Map() }
  let size = FIRST_CHUNK
  let users = 0
  let found = false
  for (;;) {
    const chunk = await store.write('buildChunk', { orgId, workspaceKey, size })
    if (chunk === null) break
    found = true
    add(sums, chunk.verdicts)
    users += chunk.users
    options.onProgress?.(users)
    if (chunk.users === 0) {
      if (await store.write('finishBuild', { orgId, workspaceKey, generation: chunk.generation })) break
    } else {
      size = Math.max(1, Math.min(MAX_CHUNK, Math.round((chunk.users * CHUNK_MS) / Math.max(chunk.tookMs, 1))))
    }
    if (options.considerate) await pause(chunk.tookMs / 2)
  }
  await deleteAllStale(store, orgId)
  return found ? sums : null
}

/** Deletes what no list of the organization shows any more, and leaves the store to others in between. */
export async function deleteAllStale(store: Pick<Store, 'write'>, orgId: number): Promise<void> {
  for (;;) {
    const started = performance.now()
    if (!(await store.write('deleteStale', { orgId }))) return
    await pause((performance.now() - started) / 2)
  }
}

function add(sums: Verdicts, chunk: Verdicts): void {
  sums.vip += chunk.vip
  sums.notVip += chunk.notVip
  sums.failed += chunk.failed
  sums.firstFailure ??= chunk.firstFailure
  for (const [name, count] of chunk.failedProperties) {
    sums.failedProperties.set(name, (sums.failedProperties.get(name) ?? 0) + count)
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
