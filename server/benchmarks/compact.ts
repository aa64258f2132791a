import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { sql } from 'kysely'
import type { Store } from '../src/database/store.ts'
import { ensureLists, openFrom, storeEnvs } from './bench-stores.ts'
import { toTable } from './figures.ts'
import { describeMachine } from './machine.ts'

// How long `dynamo compact` takes for a GB: so long writes wait on SQLite, and each table's share of it on PostgreSQL.

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    stores: { type: 'string', default: 'sqlite,postgres' },
    // a PostgreSQL server, on which the database `dynamo_benchmark` is made, and stays
    postgres: { type: 'string' },
  },
})
const GB = 1e9

const folder = await mkdtemp(join(tmpdir(), 'dynamo-benchmark-'))
try {
  const lines: (string | number)[][] = []
  const { stores, databaseUrl } = await storeEnvs(values.stores, folder, values.postgres)
  const machine = await describeMachine(databaseUrl)
  for (const { name, env } of stores) {
    await ensureLists(env, [Number(values.rows)])
    const { store } = await openFrom(env)
    const size = (await bytesOf(store)) / GB
    const startedMs = performance.now()
    await store.compact()
    const seconds = (performance.now() - startedMs) / 1000
    await store.close()
    lines.push([name, size.toFixed(2), seconds.toFixed(1), (seconds / size).toFixed(1)])
  }
  const command = `node server/benchmarks/compact.ts --rows ${values.rows} --stores ${values.stores}`
  process.stdout.write(`- command: \`${command}\`\n${machine.join('\n')}\n\n`)
  process.stdout.write(`${toTable(['store', 'GB', 'seconds', 's/GB'], lines)}\n`)
} finally {
  await rm(folder, { recursive: true, force: true })
}
// with it ends a PostgreSQL server that was started for this run
process.exit()

async function bytesOf(store: Store): Promise<number> {
  const bytes =
    store.name === 'sqlite'
      ? sql<{ bytes: number }>`select p.page_count * s.page_size as bytes from pragma_page_count p, pragma_page_size s`
      : sql<{ bytes: number }>`select pg_database_size(current_database()) as bytes`
  return (await bytes.execute(store.db)).rows[0]?.bytes ?? 0
}
