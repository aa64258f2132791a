import { pino } from 'pino'
import { runBackground } from '../src/background.ts'
import type { Store } from '../src/database/store.ts'
import { createMetrics, type Metrics } from '../src/http/metrics.ts'
import { type Bell, createBell } from '../src/webhooks/work-off.ts'

/** What a server does besides answering, without the server; with a log that nobody reads. */
export function startBackground(
  store: Store,
  { metrics = createMetrics(store), bell = createBell() }: { metrics?: Metrics; bell?: Bell } = {},
): { stop: () => Promise<void> } {
  const stopping = new AbortController()
  const running = runBackground(store, { log: pino({ enabled: false }), metrics, bell, signal: stopping.signal })
  return {
    async stop() {
      stopping.abort()
      await running
    },
  }
}
