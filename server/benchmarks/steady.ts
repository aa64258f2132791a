import { percentile } from './figures.ts'

export interface Waits {
  p99Ms: number
  longestMs: number
}

/**
 * Asks so many times a second, whether earlier questions have been answered or not: a server that stands still makes all
 * of them wait.
 *
 * @returns what ends it, waits for the last answer, and says how long answers took
 */
export function startSteady(perSecond: number, ask: () => Promise<unknown>): { stop: () => Promise<Waits> } {
  const asked: Promise<number>[] = []
  const timer = setInterval(() => {
    const one = timed(ask)
    // a failure is told by `stop`
    one.catch(() => undefined)
    asked.push(one)
  }, 1000 / perSecond)
  return {
    async stop() {
      clearInterval(timer)
      const times = await Promise.all(asked)
      return { p99Ms: percentile(times, 0.99), longestMs: Math.max(...times) }
    },
  }
}

async function timed(ask: () => Promise<unknown>): Promise<number> {
  const begunMs = performance.now()
  await ask()
  return performance.now() - begunMs
}
