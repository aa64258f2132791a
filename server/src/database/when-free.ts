import { setTimeout as pause } from 'node:timers/promises'
import { toApiError } from '../http/error-handler.ts'

/** How often an import asks a store that is busy for longer than one write waits. */
const MAX_ATTEMPTS = 5

/**
 * Does a write of ours once more where the store is busy, as a client of the API does.
 *
 * @param signal  goes on without end until it is aborted; without it a bounded number of times
 */
export function whenFree<Answer extends Promise<unknown>>(write: () => Answer, signal?: AbortSignal): Answer {
  // what it gives is what the write gives
  return attemptUntilFree(write, signal) as Answer
}

async function attemptUntilFree(write: () => Promise<unknown>, signal: AbortSignal | undefined): Promise<unknown> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await write()
    } catch (error) {
      const { statusCode, retryAfterSeconds = 1 } = toApiError(error)
      if (statusCode !== 503 || (attempt === MAX_ATTEMPTS && !signal)) throw error
      await pause(retryAfterSeconds * 1_000, undefined, signal ? { signal } : {})
    }
  }
}
