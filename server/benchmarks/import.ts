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

// How many purchases a second `dynamo import purchases` takes from a file.

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
    lines.push([name, seconds.toFixed(1), Math.round(rows / seconds).toLocaleString('en')])
  }
  const command = `node server/benchmarks/import.ts --rows ${rows} --users ${users} --stores ${values.stores}`
  process.stdout.write(`- command: \`${command}\`\n${machine.join('\n')}\n\n`)
  process.stdout.write(`${toTable(['store', 'seconds', 'purchases/s'], lines)}\n`)
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
