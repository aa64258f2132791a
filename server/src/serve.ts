import { pino } from 'pino'
import { checkSampleFolder, describeSample, type SampleFile, writeSampleFile } from '../sample/sample-file.ts'
import { buildApp } from './app.ts'
import { runBackground } from './background.ts'
import { CommandError } from './commands/command-error.ts'
import { type Config, loadConfig, withPort } from './config.ts'
import { openStore } from './database/open-store.ts'
import type { Store } from './database/store.ts'
import { logMissingErasures } from './erasure/missing-erasures.ts'
import { warnOfOtherBuckets } from './exports/remove-files.ts'
import { createExportStorage, type ExportStorage } from './exports/storage.ts'
import { type HeldPort, holdPort } from './http/hold-port.ts'
import { createMetrics } from './http/metrics.ts'
import { createLog } from './http/request-log.ts'
import { readSampleMark } from './organizations/sample-mark.ts'
import { createGraph } from './profiles/graph.ts'
import { checkFingerprint, createSecrets, loadMasterKey, type Secrets } from './secrets.ts'
import { startJson, startText } from './start-text.ts'
import { createBell } from './webhooks/work-off.ts'

/**
 * Runs the service until SIGINT or SIGTERM: then it finishes the requests in flight and ends. A second signal ends it
 * at once.
 *
 * @throws CommandError, StoreUnavailable, SecretsError: one sentence that says what is wrong and what to do
 */
export async function serve(given: Config, options: ServeOptions): Promise<void> {
  // a port that is taken is told before anything is made; and it is part of the addresses that the sample is stored with
  const held = await listening(given, () => holdPort(given))
  try {
    const config = withPort(given, held.port)
    const store = await openStore(config)
    const storage = createExportStorage(config)
    const { release, isShared } = store.holdServing()
    const shared = isShared ? [`another server works on the store in ${config.dataDir} too`] : []
    try {
      // before anybody connects: what fails to load since the system lets no more files be opened, Node never loads again
      if (config.exports.storage === 's3') await import('./exports/bucket.ts')
      // begun by nobody who is still there: by a server that was killed
      if (isShared === false) await storage.removeOld({ kept: 0, begun: Number.POSITIVE_INFINITY })
      await serveStore(store, { ...config, warnings: [...config.warnings, ...shared] }, { ...options, held, storage })
    } finally {
      release()
      await store.close()
    }
  } finally {
    await held.release()
  }
}

interface ServeOptions {
  /** load the sample organization where the store is empty */
  withSample: boolean
  /** tell where it listens as one JSON object */
  json: boolean
}

/** Lines are written together, at most a tenth of a second late: one by one each costs a write. */
const LOG_BYTES = 4_096
const LOG_MS = 100

async function serveStore(
  store: Store,
  config: Config,
  { withSample, json, held, storage }: ServeOptions & { held: HeldPort; storage: ExportStorage },
): Promise<void> {
  const secrets = createSecrets(loadMasterKey(config))
  await checkFingerprint(store, secrets)
  if (withSample && config.sample) await loadSampleWhereEmpty(store, secrets, config, storage)

  const lines = pino.destination({ dest: 1, sync: false, minLength: LOG_BYTES, periodicFlush: LOG_MS })
  const log = createLog(config.logLevel, lines)
  const metrics = createMetrics(store)
  const bell = createBell()
  const app = buildApp({
    store,
    config,
    secrets,
    storage,
    now: Date.now,
    log,
    drainMs: DRAIN_MS,
    metrics,
    onEvents: bell.ring,
  })
  const stopped = whenStopped()
  const baseUrl = localUrl(config)
  const sample = await renewSampleFile(store, secrets, config.dataDir, baseUrl)
  await held.release()
  await listening(config, () => app.listen({ host: config.host, port: config.port }))
  process.stdout.write(json ? startJson(baseUrl, store.name, sample) : startText(baseUrl, config, sample))
  const warnings = [...config.warnings, ...(await warnOfOtherBuckets(store, storage))]
  for (const warning of warnings) process.stderr.write(`Warning: ${warning}\n`)

  const stopping = new AbortController()
  // before the background work, which writes the file anew
  const compared = logMissingErasures(store, config.dataDir, { log, signal: stopping.signal })
  const background = runBackground(store, {
    log,
    metrics,
    bell,
    storage,
    dataDir: config.dataDir,
    graph: createGraph({ url: config.graphUrl, count: metrics.countGraphCall }),
    secrets,
    signal: stopping.signal,
  })
  const pictures = renewSamplePictures(store, config, stopping.signal).catch((error: unknown) => {
    log.error({ message: "The sample's pictures could not be led here", error: String(error) })
  })
  await stopped
  stopping.abort()
  // who sends or takes an answer without end keeps the server no longer than this
  setTimeout(() => app.server.closeAllConnections(), STOP_MS).unref()
  await app.close()
  await Promise.all([compared, background])
  await pictures
  lines.flushSync()
}

/** A balancer and a client that has just sent a request are answered once more, and told to go. */
const DRAIN_MS = 300
const STOP_MS = 10_000

/** @throws CommandError where the address or the port cannot be had */
async function listening<T>(config: Config, listen: () => Promise<T>): Promise<T> {
  try {
    return await listen()
  } catch (error) {
    throw cannotListen(config, error)
  }
}

function cannotListen({ host, port }: Config, error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'EADDRINUSE')
    return new CommandError(`Port ${port} is taken: stop what listens there, or set PORT to another`)
  if (code === 'EACCES') return new CommandError(`Port ${port} is not ours to take: set PORT to one above 1023`)
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return new CommandError(`${host} is no address of this machine: set HOST to one that is`)
  }
  return error
}

/** How this machine reaches the server: `PUBLIC_URL` may lead through a proxy that is not there yet. */
function localUrl({ host, port }: Config): string {
  return loadConfig({ HOST: host, PORT: String(port) }).publicUrl
}

async function loadSampleWhereEmpty(
  store: Store,
  secrets: Secrets,
  config: Config,
  storage: ExportStorage,
): Promise<void> {
  // loaded by those alone who need it: the maker of names is large
  const { ensureSample, needsSample } = await import('../sample/ensure-sample.ts')
  if (!(await needsSample(store))) return
  await checkSampleFolder(config.dataDir)
  const { showProgress } = await import('./commands/progress.ts')
  const progress = showProgress('Loading the sample organization', 100)
  await ensureSample(store, secrets, {
    asOf: Temporal.Now.plainDateISO('UTC'),
    publicUrl: config.publicUrl,
    storage,
    onProgress: (share) => progress.update(share * 100),
  })
  progress.stop()
}

async function renewSamplePictures(store: Store, { publicUrl }: Config, signal: AbortSignal): Promise<void> {
  const mark = await readSampleMark(store.db)
  if (mark?.state !== 'loaded') return
  const { renewPictures } = await import('../sample/renew-pictures.ts')
  await renewPictures(store, { orgId: mark.orgId, publicUrl, signal })
}

async function renewSampleFile(
  store: Store,
  secrets: Secrets,
  dataDir: string,
  baseUrl: string,
): Promise<SampleFile | null> {
  const mark = await readSampleMark(store.db)
  const sample = mark?.state === 'loaded' ? await describeSample(store, secrets, mark, baseUrl) : null
  if (sample) await writeSampleFile(dataDir, sample)
  return sample
}

/** One signal may come twice: to the whole group of processes, and once more by way of npm. */
const SAME_SIGNAL_MS = 1_000

/** Resolves with the first signal. After a second one the process is gone, whatever is in flight. */
function whenStopped(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let firstAt: number | undefined
  for (const [signal, number] of [
    ['SIGINT', 2],
    ['SIGTERM', 15],
  ] as const) {
    process.on(signal, () => {
      firstAt ??= Date.now()
      resolve()
      if (Date.now() - firstAt > SAME_SIGNAL_MS) process.exit(128 + number)
    })
  }
  return promise
}
