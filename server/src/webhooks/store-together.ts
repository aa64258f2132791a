import type { StoredCounts, StoredEvent } from './store-events.ts'

/**
 * Stores the events of notifications, one write after the other: what comes while one runs goes together with the next,
 * so that many small notifications cost few commits, and leave the store to who works them off.
 *
 * @param write all of them or nothing
 * @param onStored called once for each write
 * @returns stores one notification's events; resolves when they are durable
 */
export function createStoreTogether(
  write: (events: StoredEvent[]) => Promise<StoredCounts>,
  onStored: (counts: StoredCounts) => void,
): (events: StoredEvent[]) => Promise<void> {
  let waiting: StoredEvent[] = []
  let last: Promise<void> = Promise.resolve()
  let next: Promise<void> | null = null

  async function storeWaiting(): Promise<void> {
    const events = waiting
    waiting = []
    next = null
    onStored(await write(events))
  }

  return (events) => {
    waiting = waiting.concat(events)
    if (!next) {
      next = last.then(storeWaiting)
      last = next.catch(() => undefined)
    }
    return next
  }
}
