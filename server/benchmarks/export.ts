import { execFile } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs, promisify } from 'node:util'
import pg from 'pg'
import { makeNewLists, storeEnvs } from './bench-stores.ts'
import { ask, nearPage } from './cases.ts'
import { median, toTable } from './figures.ts'
import { describeMachine } from './machine.ts'
import type { MadeList } from './made-list.ts'
import { startDynamo } from './servers.ts'
import { startSteady } from './steady.ts'

// How long a whole list takes to become a file, beside what the databases' own programs take for the same rows.

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    stores: { type: 'string', default: 'sqlite,postgres' },
    rounds: { type: 'string', default: '3' },
    // a PostgreSQL server, on which the database `dynamo_benchmark` is made, and stays
    postgres: { type: 'string' },
  },
})
const rows = Number(values.rows)
const READS_PER_SECOND = 20
/** A server that has just started answers its first pages slowly, whatever else goes on. */
const WARM_UP_MS = 5_000
const SAMPLE_MS = 100

const folder = await mkdtemp(join(tmpdir(), 'dynamo-benchmark-'))
const raws = new Set<string>()
try {
  const lines: (string | number)[][] = []
  const { stores, databaseUrl } = await storeEnvs(values.stores, folder, values.postgres)
  const machine = await describeMachine(databaseUrl)
  for (const { name, env } of stores) {
    for (const list of await makeNewLists(env, [{ users: rows, vipShare: 1 }])) {
      await tidy(env)
      lines.push([name, ...(await measure(env, list))])
    }
  }
  const described = [
    `- command: \`node server/benchmarks/export.ts --rows ${rows} --stores ${values.stores} --rounds ${values.rounds}\``,
    ...machine,
    `- ${READS_PER_SECOND} pages of the list are asked for a second meanwhile, and for ${WARM_UP_MS / 1000} s before; raw: ${[...raws].join('; ')}`,
  ]
  const head = ['store', 'seconds', 'rows/s', 'MB', 'raw seconds', 'of raw', 'page p99 ms', 'peak MiB']
  process.stdout.write(`${described.join('\n')}\n\n${toTable(head, lines)}\n`)
} finally {
  await rm(folder, { recursive: true, force: true })
}
// with it ends a PostgreSQL server that was started for this run
process.exit()

/** What PostgreSQL does in the minutes after a million rows came is not part of an export. */
async function tidy({ DATABASE_URL }: Record<string, string>): Promise<void> {
  if (!DATABASE_URL) return
  const client = new pg.Client({ connectionString: DATABASE_URL })
  await client.connect()
  for (const statement of ['vacuum analyze', 'checkpoint']) await client.query(statement)
  await client.end()
}

/** Export and raw read in turn. @returns a line of the table: medians over the rounds */
async function measure(env: Record<string, string>, list: MadeList): Promise<(string | number)[]> {
  const server = await startDynamo(env)
  const seconds: number[] = []
  const rawSeconds: number[] = []
  const p99s: number[] = []
  let [bytes, peakMiB] = [0, 0]
  const startReading = () => startSteady(READS_PER_SECOND, () => ask(server.baseUrl, list, nearPage(list)))
  try {
    const warmUp = startReading()
    await pause(WARM_UP_MS)
    await warmUp.stop()
    for (let round = 0; round < Number(values.rounds); round++) {
      const reading = startReading()
      const sampling = setInterval(() => {
        peakMiB = Math.max(peakMiB, server.residentMiB())
      }, SAMPLE_MS)
      const { workspaceId, mediumId } = list
      const query = `workspaceId=${workspaceId}&mediumId=${mediumId}`
      const begunMs = performance.now()
      const { totalCount, csvUrl } = JSON.parse(await ask(server.baseUrl, list, `/vip-users/export?${query}`))
      seconds.push((performance.now() - begunMs) / 1_000)
      clearInterval(sampling)
      p99s.push((await reading.stop()).p99Ms)
      if (totalCount !== list.rows) throw new Error(`${totalCount} rows of ${list.rows} were exported`)
      bytes = await fetchFile(csvUrl)
      rawSeconds.push(await readRaw(env, list))
    }
  } finally {
    await server.stop()
  }
  const took = median(seconds)
  return [
    took.toFixed(1),
    Math.round(list.rows / took).toLocaleString('en'),
    Math.round(bytes / 1e6),
    median(rawSeconds).toFixed(1),
    median(seconds.map((one, round) => one / (rawSeconds[round] ?? 0))).toFixed(1),
    median(p99s).toFixed(1),
    Math.round(peakMiB),
  ]
}

async function fetchFile(url: string): Promise<number> {
  const { body } = await fetch(url)
  const path = join(folder, 'export.csv')
  if (body) await pipeline(Readable.fromWeb(body as never), createWriteStream(path))
  return (await stat(path)).size
}

/** What reads the stored rows in their order and writes them out, and does nothing else. @returns seconds */
async function readRaw(
  { DATABASE_URL, DYNAMO_DATA_DIR = '' }: Record<string, string>,
  list: MadeList,
): Promise<number> {
  const text = `select v.row from vip_users v where v.org_id = ${list.orgId} order by v.org_id, v.workspace_key,
    v.channel_key, v.generation, v.negated_ltv_micros, v.conversation_id`
  const begunMs = performance.now()
  if (DATABASE_URL) {
    raws.add('`copy … to` the null device in PostgreSQL')
    const client = new pg.Client({ connectionString: DATABASE_URL })
    await client.connect()
    await client.query(`copy (${text}) to '/dev/null' csv`)
    await client.end()
  } else {
    await readSqlite(join(DYNAMO_DATA_DIR, 'dynamo.sqlite'), text)
  }
  return (performance.now() - begunMs) / 1_000
}

async function readSqlite(path: string, text: string): Promise<void> {
  const target = join(folder, 'raw.csv')
  try {
    await promisify(execFile)('sqlite3', ['-csv', '-cmd', `.output ${target}`, path, text])
    raws.add('`sqlite3 -csv` to a file')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    raws.add('the same from SQLite by Node, `sqlite3` is not installed')
    using database = new DatabaseSync(path, { readOnly: true })
    const found = database.prepare(text).iterate() as Iterable<{ row: string }>
    await pipeline(Readable.from(quoted(found)), createWriteStream(target))
  }
}

function* quoted(found: Iterable<{ row: string }>): Generator<string> {
  for (const { row } of found) yield `"${row.replaceAll('"', '""')}"\r\n`
}
