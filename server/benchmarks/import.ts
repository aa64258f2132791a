import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { openFrom, storeEnvs } from './bench-stores.ts'
import { toTable } from './figures.ts'
import { describeMachine } from './machine.ts'
import { cuidOf } from './made-list.ts'
import { makeRawTable } from './raw-table.ts'

// How many purchases a second `dynamo import purchases` takes from a file, beside as many rows inserted by who keeps no
// sums of them.

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    users: { type: 'string', default: '100000' },
    stores: { type: 'string', default: 'sqlite,postgres' },
    // a PostgreSQL server, on which the database `dynamo_benchmark` is made, and stays
    postgres: { type: 'string' },
  },
})
const rows = Number(values.rows)
const users = Number(values.users)
const USERS_PER_WRITE = 10_000
const ROWS_PER_TEXT = 1000
const ROWS_PER_RAW_WRITE = 10_000

const folder = await mkdtemp(join(tmpdir(), 'dynamo-benchmark-'))
try {
  const file = join(folder, 'purchases.csv')
  await pipeline(Readable.from(csv()), createWriteStream(file))
  const lines: (string | number)[][] = []
  const { stores, databaseUrl } = await storeEnvs(values.stores, folder, values.postgres)
  const machine = await describeMachine(databaseUrl)
  for (const { name, env } of stores) {
    const organizationId = await makeOrganization(env)
    const program = fileURLToPath(new URL('../bin/dynamo.mjs', import.meta.url))
    const args = [program, 'import', 'purchases', '--organization', organizationId, '--json', file]
    const startedMs = performance.now()
    const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, ...env } })
    const seconds = (performance.now() - startedMs) / 1000
    const { imported } = JSON.parse(stdout)
    if (imported !== rows) throw new Error(`Not everything was imported: ${stdout}`)
    const rawSeconds = await insertRaw(env)
    const perSecond = (took: number) => Math.round(rows / took).toLocaleString('en')
    lines.push([name, seconds.toFixed(1), perSecond(seconds), perSecond(rawSeconds), (rawSeconds / seconds).toFixed(2)])
  }
  const command = `node server/benchmarks/import.ts --rows ${rows} --users ${users} --stores ${values.stores}`
  process.stdout.write(`- command: \`${command}\`\n${machine.join('\n')}\n\n`)
  process.stdout.write(`${toTable(['store', 'seconds', 'purchases/s', 'raw rows/s', 'of raw'], lines)}\n`)
} finally {
  await rm(folder, { recursive: true, force: true })
}
// with it ends a PostgreSQL server that was started for this run
process.exit()

/** An organization that knows its users already. */
async function makeOrganization(env: Record<string, string>): Promise<string> {
  const { store } = await openFrom(env)
  const { orgId, organizationId } = await store.write('createOrganization', { name: 'Import' })
  for (let first = 0; first < users; first += USERS_PER_WRITE) {
    const batch = Array.from({ length: Math.min(USERS_PER_WRITE, users - first) }, (_, index) => ({
      cuid: cuidOf(first + index),
      properties: [],
      lastAppOpenTimestamp: Date.now(),
      eventTimestamp: Date.now(),
    }))
    await store.write('recordUsers', { orgId, users: batch })
  }
  await store.close()
  return organizationId
}

/** As many rows, in durable transactions, into a table that has nothing but their unique index. */
async function insertRaw(env: Record<string, string>): Promise<number> {
  const table = await makeRawTable(env, 0, () => '')
  const startedMs = performance.now()
  let left = rows
  const insertSome = async () => {
    while (left > 0) {
      const length = Math.min(ROWS_PER_RAW_WRITE, left)
      left -= length
      await table.insert(
        Array.from({ length }, (_, index) => {
          return { id: randomUUID(), cuid: cuidOf((left + index) % users), value: '9.99', timestamp: Date.now() }
        }),
      )
    }
  }
  await Promise.all(Array.from({ length: table.lanes }, insertSome))
  const seconds = (performance.now() - startedMs) / 1000
  await table.drop()
  return seconds
}

function* csv(): Generator<string> {
  yield 'cuid,revenue,timestamp,purchaseId\n'
  const now = Date.now()
  for (let first = 0; first < rows; first += ROWS_PER_TEXT) {
    let text = ''
    for (let row = first; row < Math.min(rows, first + ROWS_PER_TEXT); row++) {
      const revenue = ((1 + Math.floor(Math.random() * 10_000)) / 100).toFixed(2)
      text += `${cuidOf(Math.floor(Math.random() * users))},${revenue},${now - row},${randomUUID()}\n`
    }
    yield text
  }
}
