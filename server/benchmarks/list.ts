import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { ensureLists, type StoreName, storeEnvs } from './bench-stores.ts'
import { ask, askMonthTotals, CASES, LIMIT, pageOf } from './cases.ts'
import { createFigures } from './figures.ts'
import { CONNECTIONS, load, wrkVersion } from './load.ts'
import { describeMachine } from './machine.ts'
import type { MadeList } from './made-list.ts'
import { BATCHES_PER_SECOND, PURCHASES_PER_BATCH } from './purchase-writer.ts'
import { type Server, startDynamo, startScript } from './servers.ts'
import { measureStages } from './stages.ts'
import { startWriter } from './start-writer.ts'

// How many pages of a list a server gives in a second, beside a server that does nothing else: `npm run bench`.

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '100000,1000000' },
    stores: { type: 'string', default: 'sqlite,postgres' },
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    // a folder in which the made lists stay for the next run
    keep: { type: 'string' },
    // a PostgreSQL server, on which the database `dynamo_benchmark` is made, and stays
    postgres: { type: 'string' },
    'no-stages': { type: 'boolean', default: false },
  },
})
const sizes = values.rows.split(',').map(Number)
const rounds = Number(values.rounds)
const folder = resolve(values.keep ?? (await mkdtemp(join(tmpdir(), 'dynamo-benchmark-'))))
const loading = { seconds: Number(values.seconds), folder }
const pagePath = join(folder, 'page.json')

interface Subject {
  name: StoreName
  env: Record<string, string>
  server: Server
  lists: MadeList[]
}

await mkdir(folder, { recursive: true })
const subjects: Subject[] = []
try {
  const { stores, databaseUrl } = await storeEnvs(values.stores, folder, values.postgres)
  for (const { name, env } of stores) {
    const lists = await ensureLists(env, sizes)
    subjects.push({ name, env, lists, server: await startDynamo(env) })
  }
  await describe(databaseUrl)
  process.stdout.write(`${await measureCases()}\n`)
  for (const { server } of subjects) await server.stop()
  for (const { name, env, lists } of subjects) {
    const list = lists.at(-1)
    if (!list || values['no-stages']) continue
    const table = await measureStages({ env, list, rounds, folder, pagePath })
    process.stdout.write(`\n${nameOf(name, list)}, time a request:\n\n${table}\n`)
  }
} finally {
  for (const { server } of subjects) await server.stop()
  if (values.keep === undefined) await rm(folder, { recursive: true, force: true })
}
// with it ends a PostgreSQL server that was started for this run
process.exit()

async function describe(databaseUrl: string | undefined): Promise<void> {
  const [first] = subjects
  const list = first?.lists[0]
  if (!first || !list) throw new Error('Nothing to measure: --stores or --rows is empty')
  const body = await ask(first.server.baseUrl, list, pageOf(list))
  await writeFile(pagePath, body)
  const { rows, stores, seconds } = values
  const lines = [
    `- command: \`npm run bench -- --rows ${rows} --stores ${stores} --seconds ${seconds} --rounds ${rounds}\``,
    ...(await describeMachine(databaseUrl, [`wrk ${await wrkVersion()}`])),
    `- page: ${LIMIT} rows, ${Buffer.byteLength(body).toLocaleString('en')} bytes; ${CONNECTIONS} connections`,
    `- purchases while writing: ${BATCHES_PER_SECOND} batches of ${PURCHASES_PER_BATCH} a second`,
  ]
  process.stdout.write(`${lines.join('\n')}\n\n`)
}

async function measureCases(): Promise<string> {
  const figures = createFigures()
  const bare = await startScript('./bare-server.ts', [pagePath])
  const targets = []
  for (const { name, env, server, lists } of subjects) {
    for (const list of lists) {
      targets.push({ name, env, server, list, monthTotals: await askMonthTotals(server.baseUrl, list) })
    }
  }
  for (let round = 0; round < rounds; round++) {
    // the bare server takes any headers and any address
    const credentials = { apiKey: 'none', secret: 'none' }
    const base = await load(bare.baseUrl, credentials, () => '/', loading)
    figures.add('(a) bare server', { ...base, ratio: 1, residentMiB: bare.residentMiB() })
    for (const { name, env, server, list, monthTotals } of targets) {
      for (const { name: asked, address, isWriting } of CASES) {
        const writer = isWriting ? await startWriter(env, list) : null
        const result = await load(server.baseUrl, list, () => address(list, monthTotals), loading)
        const ratio = result.requestsPerSecond / base.requestsPerSecond
        const written = writer ? { batchesPerSecond: await writer.stop() } : {}
        figures.add(`${nameOf(name, list)}: ${asked}`, {
          ...result,
          ...written,
          ratio,
          residentMiB: server.residentMiB(),
        })
      }
    }
  }
  await bare.stop()
  return figures.table()
}

function nameOf(store: StoreName, { rows }: MadeList): string {
  return `${store === 'sqlite' ? 'SQLite' : 'PostgreSQL'}, ${rows.toLocaleString('en')}`
}
