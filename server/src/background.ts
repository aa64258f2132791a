import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Store } from './database/store.ts'
import { whenFree } from './database/when-free.ts'
import { createErasureUpkeep } from './erasure/upkeep.ts'
import { removeFiles } from './exports/remove-files.ts'
import type { ExportStorage } from './exports/storage.ts'
import type { Metrics } from './http/metrics.ts'
import { forgetAllAnswers } from './idempotency/forget-answers.ts'
import type { Graph } from './profiles/graph.ts'
import { readProfiles } from './profiles/read-profiles.ts'
import type { Secrets } from './secrets.ts'
import { deleteAllStale, makeLists } from './vip-users/make-lists.ts'
import { settleAllDue } from './vip-users/settle-due.ts'
import { forgetAllEvents } from './webhooks/forget-events.ts'
import { type Bell, workOffEvents } from './webhooks/work-off.ts'

export interface BackgroundOptions {
  log: Logger
  metrics: Metrics
  /** rings when a webhook's events have been stored */
  bell: Bell
  storage: ExportStorage
  /** where `erasures.ndjson` is */
  dataDir: string
  /** where profiles are read, with access tokens that `secrets` opens */
  graph: Graph
  secrets: Secrets
  /** stops it between two chunks; the next start goes on there */
  signal: AbortSignal
}

/** How late a mark over time may be settled, and a list be taken up that a command left half made. */
const SWEEP_MS = 10_000
/** A list that nobody has gone on making for so long is nobody's. */
const STALLED_MS = 2_000

/**
 * What a server does besides answering: it takes up the lists that a server or a command was making when it ended,
 * deletes what no list shows any more, settles marks that fall due, works off the events of webhooks, reads profiles,
 * deletes what has expired, and overwrites what erasures have left. It leaves the store to others in between.
 */
export async function runBackground(store: Store, options: BackgroundOptions): Promise<void> {
  const { log, metrics, bell, storage, dataDir, graph, secrets, signal } = options
  const stoppable: Pick<Store, 'db' | 'write'> = {
    db: store.db,
    write(name, args) {
      signal.throwIfAborted()
      return whenFree(() => store.write(name, args), signal)
    },
  }
  const keepErasures = createErasureUpkeep(store, dataDir)
  async function sweep(failure: string, work: (isFirst: boolean) => Promise<void>): Promise<void> {
    for (let isFirst = true; !signal.aborted; isFirst = false) {
      try {
        await work(isFirst)
      } catch (error) {
        if (!signal.aborted) log.error({ message: failure, error: String(error) })
      }
      await pause(SWEEP_MS, undefined, { signal }).catch(() => undefined)
    }
  }
  // side by side: nobody stays due for as long as a large list takes to be made
  await Promise.all([
    sweep('Lists could not be made', async (isFirst) => {
      await resumeBuilds(stoppable, signal)
      // whoever makes a list deletes what it replaced; only one who was killed leaves something
      if (isFirst) await deleteLeftovers(stoppable)
    }),
    sweep('Who is due could not be settled', () => settleAllDue(stoppable, Date.now(), signal)),
    sweep('Expired answers could not be deleted', () => forgetAllAnswers(stoppable, Date.now())),
    sweep('Old webhook events could not be deleted', async () => {
      metrics.countDroppedEvents('given up', await forgetAllEvents(stoppable, Date.now()))
    }),
    sweep('Files of exports could not be deleted', () => removeFiles(stoppable, storage, { now: Date.now(), signal })),
    workOffEvents(stoppable, { bell, metrics, log, signal }),
    readProfiles({ store: stoppable, graph, secrets, log, now: Date.now, signal }),
    sweep('What was erased could not be overwritten', () => keepErasures(Date.now())),
  ])
}

async function resumeBuilds(store: Pick<Store, 'db' | 'write'>, signal: AbortSignal): Promise<void> {
  const before = await readBuilds(store)
  if (before.length === 0) return
  await pause(STALLED_MS, undefined, { signal })
  const after = new Set((await readBuilds(store)).map((build) => JSON.stringify(build)))
  for (const build of before) {
    if (!after.has(JSON.stringify(build))) continue
    await makeLists(store, { orgId: build.org_id, workspaceKey: build.workspace_key }, { considerate: true })
  }
}

function readBuilds(store: Pick<Store, 'db'>) {
  return store.db
    .selectFrom('workspaces as w')
    .select(['w.org_id', 'w.workspace_key', 'w.building_generation', 'w.building_user_key'])
    .where('w.building_generation', 'is not', null)
    .execute()
}

async function deleteLeftovers(store: Pick<Store, 'db' | 'write'>): Promise<void> {
  for (const orgId of await organizationsWithLists(store)) {
    await deleteAllStale(store, orgId)
  }
}

async function organizationsWithLists(store: Pick<Store, 'db'>): Promise<number[]> {
  const rows = await store.db
    .selectFrom('workspaces as w')
    .select('w.org_id')
    .distinct()
    .where('w.type', '=', 'VIP')
    .execute()
  return rows.map((row) => row.org_id)
}
