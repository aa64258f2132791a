import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { copyFile, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import pg from 'pg'
import { verifyStore } from '../src/vip-users/verify.ts'
import { dynamo, dynamoPrints, serveDynamo } from './cli.ts'
import { type PostgresServer, startPostgres } from './postgres-server.ts'
import { inStore, makeReported } from './reported-organization.ts'
import { createReportingClient } from './reporting-client.ts'
import { sign } from './signed.ts'

const run = promisify(execFile)

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dynamo-test-'))
})
after(() => rm(folder, { recursive: true }))

interface Backup {
  /** what the server is told that is backed up */
  live: Record<string, string>
  /** backs up while it serves */
  backUp: () => Promise<unknown>
  /** puts the backup back elsewhere. @returns what a server is told to use it */
  restore: () => Promise<Record<string, string>>
}

async function goThereAndBack({ live, backUp, restore }: Backup): Promise<void> {
  const { orgId, key, workspaceId, channels } = await inStore(live, makeReported)
  const list = `/vip-users?workspaceId=${workspaceId}&mediumId=${channels[0]?.mediumId}`
  const etagOf = async (url: string) => {
    const answer = await fetch(`${url}${list}`, { headers: sign(key, new Date().toISOString()) })
    assert.equal(answer.status, 200)
    return answer.headers.get('etag')
  }
  const server = await serveDynamo(live)
  const clients = ['ann', 'bo', 'cy'].map(createReportingClient)
  const stopping = new AbortController()
  const enough = Promise.withResolvers<void>()
  const sent = Promise.all(
    clients.map((client) =>
      client.send(server.url, key, stopping.signal, () => {
        if (clients.every((one) => one.acknowledged() > 5)) enough.resolve()
      }),
    ),
  )
  await enough.promise
  const before = clients.map((client) => client.acknowledged())
  await backUp()
  const during = clients.map((client) => client.acknowledged())
  assert(
    during.every((count, index) => count > (before[index] ?? 0)),
    `${before} → ${during}`,
  )
  stopping.abort()
  await sent
  const etag = await etagOf(server.url)
  await server.stop()

  const restored = await restore()
  assert.equal(await dynamoPrints(restored, ['restored']), 'From now on every client fetches its lists anew')
  const again = await serveDynamo(restored)
  assert.notEqual(await etagOf(again.url), etag)
  await again.stop()
  await inStore(restored, async (store) => {
    assert.deepEqual(await verifyStore(store, { orgId }), [])
    for (const [index, client] of clients.entries()) await client.checkSince(store, orgId, before[index] ?? 0)
  })
}

test('SQLite that is backed up while clients report is put back as it was at one moment', async () => {
  const live = join(folder, 'live')
  const file = join(folder, 'backup.sqlite')
  await goThereAndBack({
    live: { DYNAMO_DATA_DIR: live },
    async backUp() {
      await dynamoPrints({ DYNAMO_DATA_DIR: live }, ['backup', file])
      assert.equal((await stat(file)).mode & 0o777, 0o600)
      assert.deepEqual((await readdir(folder)).toSorted(), ['backup.sqlite', 'live'])
    },
    async restore() {
      const dataDir = await makeFolder('restored')
      await copyFile(file, join(dataDir, 'dynamo.sqlite'))
      await copyFile(join(live, 'master.key'), join(dataDir, 'master.key'))
      return { DYNAMO_DATA_DIR: dataDir }
    },
  })
})

// where the run has no PostgreSQL its last lines say so
if (!process.env.TEST_POSTGRES_UNAVAILABLE) {
  test('PostgreSQL that is backed up while clients report is put back as it was at one moment', async (t) => {
    const server = await startServer(t)
    const live = { DYNAMO_DATA_DIR: await makeFolder('live-postgres'), DATABASE_URL: server.url }
    const base = join(folder, 'base')
    await goThereAndBack({
      live,
      backUp: () => copyCluster(server.url, base),
      async restore() {
        const other = await startServer(t, base)
        const dataDir = await makeFolder('restored-postgres')
        await copyFile(join(live.DYNAMO_DATA_DIR, 'master.key'), join(dataDir, 'master.key'))
        return { DYNAMO_DATA_DIR: dataDir, DATABASE_URL: other.url }
      },
    })
  })

  test('PostgreSQL that is dumped while clients report is put back by pg_restore as it was at one moment', async (t) => {
    const url = process.env.TEST_DATABASE_URL ?? (await startServer(t)).url
    const version = await majorVersion(url)
    const programs = findPrograms(version)
    if (!programs) return t.skip(`there are no pg_dump and pg_restore ${version}, as the server is`)
    const live = { DYNAMO_DATA_DIR: await makeFolder('live-dumped'), DATABASE_URL: await createDatabase(t, url) }
    const file = join(folder, 'dynamo.dump')
    await goThereAndBack({
      live,
      backUp: () => run(programs.pgDump, ['--format=custom', `--file=${file}`, live.DATABASE_URL]),
      async restore() {
        const DATABASE_URL = await createDatabase(t, url)
        await run(programs.pgRestore, [`--dbname=${DATABASE_URL}`, file])
        const dataDir = await makeFolder('restored-dumped')
        await copyFile(join(live.DYNAMO_DATA_DIR, 'master.key'), join(dataDir, 'master.key'))
        return { DYNAMO_DATA_DIR: dataDir, DATABASE_URL }
      },
    })
  })
}

async function majorVersion(url: string): Promise<number> {
  const [row] = await query<{ version: number }>(url, `select current_setting('server_version_num')::int as version`)
  return Math.floor((row?.version ?? 0) / 10_000)
}

/** Those on the PATH, or where Debian keeps each version. A newer pg_restore tells an older server what it does not know. */
function findPrograms(version: number): { pgDump: string; pgRestore: string } | undefined {
  const isOfVersion = (program: string) => {
    const { stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' })
    return /\) (\d+)/.exec(stdout ?? '')?.[1] === String(version)
  }
  return ['', `/usr/lib/postgresql/${version}/bin/`]
    .map((place) => ({ pgDump: `${place}pg_dump`, pgRestore: `${place}pg_restore` }))
    .find(({ pgDump, pgRestore }) => isOfVersion(pgDump) && isOfVersion(pgRestore))
}

/** An empty database of its own; it goes with the test, or with the test's server. @returns its address */
async function createDatabase(t: TestContext, url: string): Promise<string> {
  const name = `dynamo_test_${randomBytes(6).toString('hex')}`
  await query(url, `create database ${name}`)
  if (process.env.TEST_DATABASE_URL) t.after(() => query(url, `drop database ${name} with (force)`))
  const address = new URL(url)
  address.pathname = `/${name}`
  return address.href
}

async function query<Row extends object>(url: string, text: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Row>(text)).rows
  } finally {
    await client.end()
  }
}

async function makeFolder(name: string): Promise<string> {
  const path = join(folder, name)
  await mkdir(path)
  return path
}

async function startServer(t: TestContext, base?: string): Promise<PostgresServer> {
  const started = await startPostgres({ base })
  if ('unavailable' in started) throw new Error(started.unavailable)
  t.after(() => started.stop())
  return started
}

/** A base backup by the server's own functions: its programs for it are not in the packages that npm installs. */
async function copyCluster(url: string, target: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<{ folder: string }>(`select current_setting('data_directory') as folder`)
    const source = rows[0]?.folder ?? ''
    await client.query(`select pg_backup_start('test', true)`)
    await copyMoving(source, target, (path) => !/^(?:pg_wal|postmaster\.pid|postmaster\.opts)$/.test(path))
    const stopped = await client.query<{ label: string }>('select labelfile as label from pg_backup_stop(false)')
    await writeFile(join(target, 'backup_label'), stopped.rows[0]?.label ?? '')
    await copyMoving(join(source, 'pg_wal'), join(target, 'pg_wal'), () => true)
  } finally {
    await client.end()
  }
}

/** Copies a folder whose files come and go meanwhile. */
async function copyMoving(source: string, target: string, isWanted: (name: string) => boolean): Promise<void> {
  await mkdir(target, { mode: 0o700 })
  for (const entry of await readdir(source, { withFileTypes: true })) {
    const [from, to] = [join(source, entry.name), join(target, entry.name)]
    if (!isWanted(entry.name)) continue
    if (entry.isDirectory()) await copyMoving(from, to, () => true)
    else {
      await copyFile(from, to).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error
      })
    }
  }
}

test('a backup overwrites nothing, and leaves nothing where it fails', async () => {
  const env = { DYNAMO_DATA_DIR: join(folder, 'other') }
  await dynamoPrints(env, ['migrate'])
  const file = join(folder, 'taken.sqlite')
  await dynamoPrints(env, ['backup', file])
  assert.match((await dynamo(env, ['backup', file])).stderr, /^There is a file .*taken\.sqlite already: name another$/m)
  const nowhere = join(folder, 'nowhere', 'backup.sqlite')
  assert.match((await dynamo(env, ['backup', nowhere])).stderr, /^Cannot write .*: there is no folder .*nowhere$/m)
})
