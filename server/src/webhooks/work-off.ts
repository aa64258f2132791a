import { setTimeout as pause } from 'node:timers/promises'
import { sql } from 'kysely'
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
    let isAnyLeft = false
    try {
      // by turns: who has many events keeps nobody else waiting
      for (const orgId of await organizationsWithEvents(store)) {
        isAnyLeft = (await workOffSome(store, orgId, { metrics, log, signal })) || isAnyLeft
      }
    } catch (error) {
      isAnyLeft = false
      if (!signal.aborted) log.error({ message: 'Webhook events could not be worked off', error: String(error) })
    }
    if (!isAnyLeft) await bell.heard(LOOK_MS, signal)
  }
}

/** From one to the next: there are mostly few, of however many organizations. */
async function organizationsWithEvents({ db }: Pick<Store, 'db'>): Promise<number[]> {
  const { rows } = await sql<{ org_id: number }>`
    /* webhook-events.organizations */
    with recursive o (org_id) as (
      select min(e.org_id) from webhook_events e
      union all
      select (select min(e.org_id) from webhook_events e where e.org_id > o.org_id) from o where o.org_id is not null)
    select o.org_id from o where o.org_id is not null`.execute(db)
  return rows.map((row) => row.org_id)
}

/**
 * Works off a part of an organization's events; where it cannot be, a smaller one, until the event is found that it
 * fails on, which is put behind the others.
 *
 * @returns whether some were worked off, and more may be left
 */
async function workOffSome(
  store: Pick<Store, 'write'>,
  orgId: number,
  { metrics, log, signal }: { metrics: Metrics; log: Logger; signal: AbortSignal },
): Promise<boolean> {
  for (let limit = EVENTS_PER_WRITE; ; limit = Math.ceil(limit / 4)) {
    try {
      const { events, unknownLinks, boundLinks } = await store.write('applyEvents', { orgId, limit })
      metrics.countDroppedEvents('unknown link', unknownLinks)
      metrics.countDroppedEvents('bound link', boundLinks)
      return events > 0
    } catch (error) {
      if (signal.aborted) throw error
      if (limit > 1) continue
      await store.write('postponeEvent', { orgId })
      log.error({ message: 'A webhook event could not be worked off, and was put back', error: String(error) })
      return false
    }
  }
}
