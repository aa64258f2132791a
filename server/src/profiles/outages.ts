import { jittered } from './graph.ts'

/** Which channels the platform does not answer for as it should. Each server keeps it for itself, and learns it anew. */
export interface Outages {
  /** Whether nothing came for the last people of a channel: one at a time shows whether that is over. */
  isOut: (mediumId: string) => boolean
  /**
   * Counts a person for whom nothing came; who was asked for beside others before the channel was left alone is no news.
   *
   * @param now epoch ms
   * @returns for how long, in ms, the channel is to be left alone; 0: it may be this person's alone
   */
  fail: (mediumId: string, now: number) => { pauseMs: number; isNews: boolean }
  /** Something came, if only a reason. */
  end: (mediumId: string) => void
}

/** So many people in a row are not unlucky each for themselves. */
const MIN_FAILURES = 4
const FIRST_PAUSE_MS = 60_000
/** An outage that is over is noticed so late at most. */
const MAX_PAUSE_MS = 30 * FIRST_PAUSE_MS

export function createOutages(): Outages {
  const outages = new Map<string, { failures: number; pausedUntil: number }>()
  return {
    isOut: (mediumId) => (outages.get(mediumId)?.failures ?? 0) >= MIN_FAILURES,
    fail(mediumId, now) {
      const outage = outages.get(mediumId) ?? { failures: 0, pausedUntil: 0 }
      if (now < outage.pausedUntil) return { pauseMs: outage.pausedUntil - now, isNews: false }
      outages.set(mediumId, outage)
      outage.failures++
      if (outage.failures < MIN_FAILURES) return { pauseMs: 0, isNews: false }
      const pauseMs = jittered(Math.min(FIRST_PAUSE_MS * 2 ** (outage.failures - MIN_FAILURES), MAX_PAUSE_MS))
      outage.pausedUntil = now + pauseMs
      return { pauseMs, isNews: true }
    },
    end: (mediumId) => void outages.delete(mediumId),
  }
}
