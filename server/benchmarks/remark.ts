import { mkdtemp, rm } from 'node:fs/promises'
import { Agent } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { makeNewLists, storeEnvs } from './bench-stores.ts'
import { ask, nearPage } from './cases.ts'
import { checkLists } from './check-lists.ts'
import { toTable } from './figures.ts'
import { describeMachine } from './machine.ts'
import type { MadeList } from './made-list.ts'
import { mark } from './marker.ts'
import { KINDS, sendReport } from './reports.ts'
import { startDynamo } from './servers.ts'
import { startSteady, type Waits } from './steady.ts'

// How long a new rule takes to mark all users anew, and how long others wait for the store meanwhile.

const { values } = parseArgs({
  options: {
    users: { type: 'string', default: '1000000' },
    stores: { type: 'string', default: 'sqlite,postgres' },
    // how long reads and writes are measured before the marking begins
    seconds: { type: 'string', default: '10' },
    // a PostgreSQL server, on which the database `dynamo_benchmark` is made, and stays
    postgres: { type: 'string' },
  },
})
const users = Number(values.users)
const seconds = Number(values.seconds)
const VIPS_BEFORE = 0.05
const VIPS_AFTER = 0.2
const PER_SECOND = 20

const folder = await mkdtemp(join(tmpdir(), 'dynamo-benchmark-'))
try {
  const lines: (string | number)[][] = []
  const { stores, databaseUrl } = await storeEnvs(values.stores, folder, values.postgres)
  const machine = await describeMachine(databaseUrl)
  for (const { name, env } of stores) {
    const lists = await makeNewLists(env, [{ users, vipShare: VIPS_BEFORE }])
    for (const list of lists) lines.push([name, ...(await measure(env, list))])
    await checkLists(env, lists)
  }
  const described = [
    `- command: \`node server/benchmarks/remark.ts --users ${users} --stores ${values.stores} --seconds ${seconds}\``,
    ...machine,
    `- ${users.toLocaleString('en')} users; VIPs before: ${VIPS_BEFORE * 100} %, after: ${VIPS_AFTER * 100} %`,
    `- ${PER_SECOND} pages of the list and ${PER_SECOND} reports of one purchase a second; longest wait before the marking → during it`,
    '- afterwards `dynamo verify` found no difference',
  ]
  const head = ['store', 'seconds', 'users/s', 'VIPs', 'read ms', 'write ms', 'peak MiB', 'server MiB']
  process.stdout.write(`${described.join('\n')}\n\n${toTable(head, lines)}\n`)
} finally {
  await rm(folder, { recursive: true, force: true })
}
// with it ends a PostgreSQL server that was started for this run
process.exit()

/** @returns a line of the table */
async function measure(env: Record<string, string>, list: MadeList): Promise<(string | number)[]> {
  const server = await startDynamo(env)
  const agent = new Agent({ keepAlive: true })
  const { path, makeReport } = KINDS.purchases
  const read = () => ask(server.baseUrl, list, nearPage(list))
  const write = () =>
    sendReport({ agent, baseUrl: server.baseUrl }, list, path, JSON.stringify(makeReport(list.users).item))
  try {
    // the first ones start what serves them
    await Promise.all([read(), write()])
    const quiet = await during(read, write, () => new Promise((resolve) => setTimeout(resolve, seconds * 1000)))
    const busy = await during(read, write, () => mark(env, list, VIPS_AFTER))
    const { seconds: took, vips, peakMiB } = busy.result
    return [
      took.toFixed(1),
      Math.round(list.users / took).toLocaleString('en'),
      vips.toLocaleString('en'),
      longest(quiet.reads, busy.reads),
      longest(quiet.writes, busy.writes),
      Math.round(peakMiB),
      Math.round(server.residentMiB()),
    ]
  } finally {
    agent.destroy()
    await server.stop()
  }
}

/** Reads and writes while `work` goes on. */
async function during<T>(read: () => Promise<unknown>, write: () => Promise<unknown>, work: () => Promise<T>) {
  const [reading, writing] = [startSteady(PER_SECOND, read), startSteady(PER_SECOND, write)]
  const result = await work()
  return { result, reads: await reading.stop(), writes: await writing.stop() }
}

function longest(quiet: Waits, busy: Waits): string {
  return `${quiet.longestMs.toFixed(1)} → ${busy.longestMs.toFixed(1)}`
}
