import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Store } from '../database/store.ts'
import type { Metrics } from '../http/metrics.ts'

const EVENTS_PER_WRITE = 500
/** How often a server looks for events that another has stored, or that could not be worked off. */
const LOOK_MS = 1_000

/** Tells who works events off, in the same process, that some were stored. */
export interface Bell {
  ring: () => void
  /** resolves when it rings, or rang since the last time, or after so many ms */
  heard: (ms: number, signal: AbortSignal) => Promise<void>
}

export function createBell(): Bell {
  let { promise, resolve } = Promise.withResolvers<void>()
  return {
    ring: () => resolve(),
    async heard(ms, signal) {
      const waiting = new AbortController()
      const timer = pause(ms, undefined, { signal: AbortSignal.any([signal, waiting.signal]) }).catch(() => undefined)
      await Promise.race([promise, timer])
      waiting.abort()
      ;({ promise, resolve } = Promise.withResolvers<void>())
    },
  }
}

/**
 * Works off the events that webhooks have stored, as soon as they are there, until it is stopped. What a server has not
 * worked off when it ends, another does, or the next start.
 */
export async function workOffEvents(
  store: Pick<Store, 'db' | 'write'>,
  { bell, metrics, log, signal }: { bell: Bell; metrics: Metrics; log: Logger; signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted) {
    try {
      for (const orgId of await organizationsWithEvents(store)) {
        await workOffAll(store, orgId, metrics, log)
      }
    } catch (error) {
      if (!signal.aborted) log.error({ message: 'Webhook events could not be worked off', error: String(error) })
    }
    await bell.heard(LOOK_MS, signal)
  }
}

async function organizationsWithEvents({ db }: Pick<Store, 'db'>): Promise<number[]> {
  const rows = await db
    .selectFrom('organizations as o')
    .select('o.org_id')
    .where(({ exists, selectFrom }) =>
      exists(selectFrom('webhook_events as e').select('e.event_key').whereRef('e.org_id', '=', 'o.org_id')),
    )
    .execute()
  return rows.map((row) => row.org_id)
}

/** In parts; where a part cannot be worked off, in smaller ones, until the event is found that it fails on. */
async function workOffAll(store: Pick<Store, 'write'>, orgId: number, metrics: Metrics, log: Logger): Promise<void> {
  let limit = EVENTS_PER_WRITE
  for (;;) {
    try {
      const { events, unknownLinks, boundLinks } = await store.write('applyEvents', { orgId, limit })
      if (events === 0) return
      metrics.countDroppedEvents('unknown link', unknownLinks)
      metrics.countDroppedEvents('bound link', boundLinks)
      limit = Math.min(EVENTS_PER_WRITE, limit * 2)
    } catch (error) {
      if (limit > 1) {
        limit = Math.ceil(limit / 4)
        continue
      }
      log.error({ message: 'A webhook event could not be worked off, and was put back', error: String(error) })
      await store.write('postponeEvent', { orgId })
      return
    }
  }
}
