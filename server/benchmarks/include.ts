import { mkdtemp, rm } from 'node:fs/promises'
import { globalAgent } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { INCLUDES } from '../src/vip-users/include.ts'
import { ensureLists, storeEnvs } from './bench-stores.ts'
import { ask, askMonthTotals, CASES, pageOf } from './cases.ts'
import { median, toTable } from './figures.ts'
import { describeMachine } from './machine.ts'
import type { MadeList } from './made-list.ts'
import { KINDS, sendReport } from './reports.ts'
import { startDynamo } from './servers.ts'

// What `include=` costs a page: each page is asked for without and with it, in turn, by one client.

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '100000' },
    stores: { type: 'string', default: 'sqlite,postgres' },
    pages: { type: 'string', default: '1000' },
    // a PostgreSQL server, on which the database `dynamo_benchmark` is made, and stays
    postgres: { type: 'string' },
  },
})
const pages = Number(values.pages)
const ALL = INCLUDES.join(',')

const folder = await mkdtemp(join(tmpdir(), 'dynamo-benchmark-'))
try {
  const lines: (string | number)[][] = []
  const { stores, databaseUrl } = await storeEnvs(values.stores, folder, values.postgres)
  const machine = await describeMachine(databaseUrl)
  for (const { name, env } of stores) {
    const [list] = await ensureLists(env, [Number(values.rows)])
    if (!list) continue
    const server = await startDynamo(env)
    try {
      const monthTotals = await askMonthTotals(server.baseUrl, list)
      const near = addressOf('(c)', list, monthTotals)
      const ofMonth = addressOf('(e)', list, monthTotals)
      for (const [what, address, include] of [
        ['the first page', () => pageOf(list), ALL],
        ...[...INCLUDES, ALL].map((include) => ['pages in the first 10,000', near, include] as const),
        ...[...INCLUDES, ALL].map((include) => ['pages of a birthday month', ofMonth, include] as const),
      ] as const) {
        const told = include === ALL ? 'all five' : `\`${include}\``
        lines.push([name, what, told, ...(await measure(server.baseUrl, list, address, `&include=${include}`))])
      }
      const what = 'pages of a birthday month, each after a purchase'
      const buy = () => reportPurchase(server.baseUrl, list)
      lines.push([name, what, '`rank`', ...(await measure(server.baseUrl, list, ofMonth, '&include=rank', buy))])
    } finally {
      await server.stop()
    }
  }
  const command = `node server/benchmarks/include.ts --rows ${values.rows} --stores ${values.stores} --pages ${pages}`
  process.stdout.write(`- command: \`${command}\`\n${machine.join('\n')}\n\n`)
  process.stdout.write(`${toTable(['store', 'page', 'include', 'without ms', 'with ms', 'times'], lines)}\n`)
} finally {
  await rm(folder, { recursive: true, force: true })
}
// with it ends a PostgreSQL server that was started for this run
process.exit()

/** How the address of one more page is made. @param start of the case's name */
function addressOf(start: string, list: MadeList, monthTotals: number[]): () => string {
  const found = CASES.find((one) => one.name.startsWith(start))
  if (!found) throw new Error(`There is no case ${start}`)
  return () => found.address(list, monthTotals)
}

/** Moves one of the list's rows. */
async function reportPurchase(baseUrl: string, list: MadeList): Promise<void> {
  const { path, makeReport } = KINDS.purchases
  await sendReport({ agent: globalAgent, baseUrl }, list, path, JSON.stringify(makeReport(list.users).item))
}

/**
 * @param before is done each time before a page is asked for, and not timed
 * @returns medians, and the one as a multiple of the other
 */
async function measure(
  baseUrl: string,
  list: MadeList,
  address: () => string,
  include: string,
  before?: () => Promise<void>,
): Promise<string[]> {
  const times: [without: number[], included: number[]] = [[], []]
  for (let page = 0; page < pages; page++) {
    // of another place each: what was asked for once is kept
    for (const [index, more] of ['', include].entries()) {
      await before?.()
      const startedMs = performance.now()
      await ask(baseUrl, list, address() + more)
      times[index]?.push(performance.now() - startedMs)
    }
  }
  const [without, included] = times.map(median) as [number, number]
  return [without.toFixed(2), included.toFixed(2), (included / without).toFixed(2)]
}
