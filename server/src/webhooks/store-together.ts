import { errors } from '../http/errors.ts'
import type { StoredCounts, StoredEvent } from './store-events.ts'

/** More would keep the store from others for seconds; one notification may have more, and goes alone. */
const EVENTS_PER_WRITE = 5_000
/** Some 20 MB. Meta sends again what is refused. */
const MAX_WAITING_EVENTS = 100_000
/** As long as any write waits for its turn; later Meta has given up. */
const MAX_WAIT_MS = 5_000

interface Waiting {
  events: StoredEvent[]
  stored: PromiseWithResolvers<void>
  giveUp: NodeJS.Timeout
}

/**
 * Stores the events of notifications, one write after the other: what comes while one runs goes together with the next,
 * so that many small notifications cost few commits, and leave the store to who works them off.
 *
 * @param write all of them or nothing
 * @param onStored called once for each write
 * @returns stores one notification's events; resolves when they are durable; ApiError 503 where more wait than the store
 * can take, or too long
 */
export function createStoreTogether(
  write: (events: StoredEvent[]) => Promise<StoredCounts>,
  onStored: (counts: StoredCounts) => void,
): (events: StoredEvent[]) => Promise<void> {
  const waiting = new Set<Waiting>()
  let waitingEvents = 0
  let isWriting = false

  function leave(one: Waiting): void {
    waiting.delete(one)
    waitingEvents -= one.events.length
    clearTimeout(one.giveUp)
  }

  function takeSome(): Waiting[] {
    const taken: Waiting[] = []
    let count = 0
    for (const one of waiting) {
      count += one.events.length
      if (count > EVENTS_PER_WRITE && taken.length > 0) break
      taken.push(one)
      leave(one)
    }
    return taken
  }

  async function writeAll(): Promise<void> {
    isWriting = true
    while (waiting.size > 0) {
      const taken = takeSome()
      try {
        onStored(await write(taken.flatMap(({ events }) => events)))
        for (const { stored } of taken) stored.resolve()
      } catch (error) {
        for (const { stored } of taken) stored.reject(error)
      }
    }
    isWriting = false
  }

  return (events) => {
    if (waiting.size > 0 && waitingEvents + events.length > MAX_WAITING_EVENTS) {
      throw errors.storeBusy(new Error(`${waitingEvents} events of webhooks wait`))
    }
    const stored = Promise.withResolvers<void>()
    const giveUp = setTimeout(() => {
      leave(one)
      stored.reject(errors.storeBusy(new Error(`Events of a webhook had no turn within ${MAX_WAIT_MS} ms`)))
    }, MAX_WAIT_MS)
    const one = { events, stored, giveUp }
    waiting.add(one)
    waitingEvents += events.length
    if (!isWriting) void writeAll()
    return stored.promise
  }
}
