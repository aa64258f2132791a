import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { makeNewLists, storeEnvs } from './bench-stores.ts'
import { ask, nearPage } from './cases.ts'
import { checkLists } from './check-lists.ts'
import { median, toTable } from './figures.ts'
import { describeMachine } from './machine.ts'
import type { MadeList } from './made-list.ts'
import { makeRawTable } from './raw-table.ts'
import { type Repeated, repeat } from './repeat.ts'
import { CONNECTIONS, ITEMS_PER_BATCH, loadReports } from './report-load.ts'
import { KINDS, type KindName } from './reports.ts'
import { type Server, startDynamo } from './servers.ts'
import { startSteady, type Waits } from './steady.ts'

// How many reports a second a server takes over HTTP, beside the same rows inserted by who does nothing else with them.

const { values } = parseArgs({
  options: {
    // known users, of whom one in twenty is VIP
    users: { type: 'string', default: '1000000' },
    // users of a second organization, who are all VIPs
    vips: { type: 'string', default: '100000' },
    stores: { type: 'string', default: 'sqlite,postgres' },
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '3' },
    // a PostgreSQL server, on which the database `dynamo_benchmark` is made, and stays
    postgres: { type: 'string' },
  },
})
const seconds = Number(values.seconds)
const rounds = Number(values.rounds)
const sizes = [
  { users: Number(values.users), vipShare: 0.05 },
  { users: Number(values.vips), vipShare: 1 },
]
const READS_PER_SECOND = 20

interface Round {
  reports: Repeated
  reads: Waits
  raw: Repeated
}

const folder = await mkdtemp(join(tmpdir(), 'dynamo-benchmark-'))
try {
  const lines: (string | number)[][] = []
  const { stores, databaseUrl } = await storeEnvs(values.stores, folder, values.postgres)
  const machine = await describeMachine(databaseUrl)
  for (const { name, env } of stores) {
    const lists = await makeNewLists(env, sizes)
    const server = await startDynamo(env)
    try {
      for (const list of lists) {
        for (const kind of ['purchases', 'properties'] as const) {
          lines.push(await measure(`${name}, ${sizeOf(list)}: ${kind}`, { env, server, list, kind }))
        }
      }
    } finally {
      await server.stop()
    }
    await checkLists(env, lists)
  }
  const { users, vips } = values
  const described = [
    `- command: \`node server/benchmarks/ingest.ts --users ${users} --vips ${vips} --stores ${values.stores} --seconds ${seconds} --rounds ${rounds}\``,
    ...machine,
    `- batches of ${ITEMS_PER_BATCH} over ${CONNECTIONS} connections; meanwhile ${READS_PER_SECOND} pages of the list are asked for a second`,
    '- afterwards `dynamo verify` found no difference',
  ]
  const head = ['', 'items/s', 'batch p50 ms', 'batch p99 ms', 'page p99 ms', 'memory MiB', 'raw items/s', 'of raw']
  process.stdout.write(`${described.join('\n')}\n\n${toTable(head, lines)}\n`)
} finally {
  await rm(folder, { recursive: true, force: true })
}
// with it ends a PostgreSQL server that was started for this run
process.exit()

interface Subject {
  env: Record<string, string>
  server: Server
  list: MadeList
  kind: KindName
}

/** Server and raw table in turn. @returns a line of the table: medians over the rounds */
async function measure(name: string, { env, server, list, kind }: Subject): Promise<(string | number)[]> {
  const { knownId, makeReport } = KINDS[kind]
  const raw = await makeRawTable(env, list.users, knownId)
  const makeRows = () => Array.from({ length: ITEMS_PER_BATCH }, () => makeReport(list.users).rows).flat()
  const measured: Round[] = []
  for (let round = 0; round < rounds; round++) {
    const reading = startSteady(READS_PER_SECOND, () => ask(server.baseUrl, list, nearPage(list)))
    const reports = await loadReports({ baseUrl: server.baseUrl, list, kind, seconds })
    const reads = await reading.stop()
    measured.push({ reports, reads, raw: await repeat({ lanes: raw.lanes, seconds }, makeRows, raw.insert) })
    process.stderr.write(`${name}: ${itemsPerSecond(reports.perSecond)}/s\n`)
  }
  await raw.drop()
  const middle = (value: (round: Round) => number) => median(measured.map(value))
  return [
    name,
    itemsPerSecond(middle(({ reports }) => reports.perSecond)),
    middle(({ reports }) => reports.p50Ms).toFixed(1),
    middle(({ reports }) => reports.p99Ms).toFixed(1),
    middle(({ reads }) => reads.p99Ms).toFixed(1),
    Math.round(server.residentMiB()),
    itemsPerSecond(middle((round) => round.raw.perSecond)),
    middle((round) => round.reports.perSecond / round.raw.perSecond).toFixed(2),
  ]
}

function itemsPerSecond(batchesPerSecond: number): string {
  return Math.round(batchesPerSecond * ITEMS_PER_BATCH).toLocaleString('en')
}

function sizeOf({ users, vipShare }: MadeList): string {
  return `${users.toLocaleString('en')} users, ${vipShare * 100} % VIPs`
}
