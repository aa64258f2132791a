import { percentile } from './figures.ts'

export interface Repeated {
  perSecond: number
  p50Ms: number
  p99Ms: number
}

/** Until the code is compiled and the caches are filled; not measured. */
const WARM_UP_MS = 1000

/**
 * Does jobs for some seconds, on each lane one after the other. What ends in this time counts; making a job is not part
 * of its time.
 */
export async function repeat<Job>(
  { lanes, seconds }: { lanes: number; seconds: number },
  makeJob: () => Job,
  work: (job: Job) => Promise<void>,
): Promise<Repeated> {
  const startMs = performance.now() + WARM_UP_MS
  const endMs = startMs + seconds * 1000
  const times: number[] = []
  const lane = async () => {
    while (performance.now() < endMs) {
      const job = makeJob()
      const begunMs = performance.now()
      await work(job)
      const endedMs = performance.now()
      if (endedMs >= startMs && endedMs < endMs) times.push(endedMs - begunMs)
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return { perSecond: times.length / seconds, p50Ms: percentile(times, 0.5), p99Ms: percentile(times, 0.99) }
}
