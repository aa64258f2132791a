import assert from 'node:assert/strict'
import { copyFile, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import pg from 'pg'
import { verifyStore } from '../src/vip-users/verify.ts'
import { dynamo, dynamoPrints, serveDynamo } from './cli.ts'
import { type PostgresServer, startPostgres } from './postgres-server.ts'
import { inStore, makeReported } from './reported-organization.ts'
import { createReportingClient } from './reporting-client.ts'
import { sign } from './signed.ts'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dynamo-test-'))
})
after(() => rm(folder, { recursive: true }))

interface Backup {
  /** what the server is told that is backed up */
  live: Record<string, string>
  /** backs up while it serves */
  backUp: () => Promise<void>
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
  await dynamoPrints(restored, ['restored'])
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
    const server = await startServer()
    t.after(() => server.stop())
    const live = { DYNAMO_DATA_DIR: await makeFolder('live-postgres'), DATABASE_URL: server.url }
    const base = join(folder, 'base')
    await goThereAndBack({
      live,
      backUp: () => copyCluster(server.url, base),
      async restore() {
        const other = await startServer(base)
        t.after(() => other.stop())
        const dataDir = await makeFolder('restored-postgres')
        await copyFile(join(live.DYNAMO_DATA_DIR, 'master.key'), join(dataDir, 'master.key'))
        return { DYNAMO_DATA_DIR: dataDir, DATABASE_URL: other.url }
      },
    })
  })
}

async function makeFolder(name: string): Promise<string> {
  const path = join(folder, name)
  await mkdir(path)
  return path
}

async function startServer(base?: string): Promise<PostgresServer> {
  const started = await startPostgres({ base })
  if ('unavailable' in started) throw new Error(started.unavailable)
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
  assert.match((await dynamo(env, ['backup', nowhere])).stderr, /^Cannot write .*ENOENT/m)
})
