import { pino } from 'pino'
import { runBackground } from '../src/background.ts'
import { loadConfig } from '../src/config.ts'
import type { Store } from '../src/database/store.ts'
import { createExportStorage, type ExportStorage } from '../src/exports/storage.ts'
import { createMetrics, type Metrics } from '../src/http/metrics.ts'
import { createGraph, type Graph } from '../src/profiles/graph.ts'
import { createSecrets, type Secrets } from '../src/secrets.ts'
import { type Bell, createBell } from '../src/webhooks/work-off.ts'

/** What a server does besides answering, without the server; with a log that nobody reads. */
export function startBackground(
  store: Store,
  {
    metrics = createMetrics(store),
    bell = createBell(),
    storage = createExportStorage(loadConfig({ DYNAMO_DATA_DIR: '/nowhere' })),
    graph = createGraph({ url: 'http://127.0.0.1:9' }),
    secrets = createSecrets(Buffer.alloc(32, 7)),
  }: { metrics?: Metrics; bell?: Bell; storage?: ExportStorage; graph?: Graph; secrets?: Secrets } = {},
): { stop: () => Promise<void> } {
  const stopping = new AbortController()
  const log = pino({ enabled: false })
  const running = runBackground(store, {
    ...{ log, metrics, bell, storage, graph, secrets },
    dataDir: '/nowhere',
    signal: stopping.signal,
  })
  return {
    async stop() {
      stopping.abort()
      await running
    },
  }
}
