import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe } from 'node:test'
import pg from 'pg'
import { openStore, type StoreOptions } from '../src/database/open-store.ts'
import type { Store } from '../src/database/store.ts'
import { startPostgres } from './postgres-server.ts'

/** A store of its own for a test file, and a way to open it once more, as another server would. */
export interface TestStore {
  store: Store
  openAnother: () => Promise<Store>
  /** a statement on a connection of its own, past the product: damages a store on purpose */
  execute: (text: string) => Promise<void>
  /** makes every write wait, as another process can, until what it returns is called; reads go on */
  holdWrites: () => Promise<() => Promise<void>>
  /** how often writes have waited for each other in a circle, on connections that are closed */
  countDeadlocks: () => Promise<number>
  /** what a server is told to use this store */
  env: Record<string, string>
}

type Suite = (get: () => TestStore) => void

const OPENERS = { SQLite: openSqlite, PostgreSQL: openPostgres }

/** The suite on SQLite and on PostgreSQL. Every test makes an organization of its own. */
export function eachStore(suite: Suite, options: Partial<StoreOptions> = {}): void {
  onStore('SQLite', suite, options)
  onStore('PostgreSQL', suite, options)
}

/** The suite on one store: for what takes so long that each store has a file of its own. */
export function onStore(name: keyof typeof OPENERS, suite: Suite, options: Partial<StoreOptions> = {}): void {
  // where the run has no PostgreSQL its last lines say so
  if (name === 'PostgreSQL' && process.env.TEST_POSTGRES_UNAVAILABLE) return
  describe(`on ${name}`, () => {
    let opened: OpenedStore | undefined
    before(async () => {
      opened = await OPENERS[name](options)
    })
    after(() => opened?.remove())
    suite(() => {
      if (!opened) throw new Error('A store is there only while tests run')
      return opened
    })
  })
}

type OpenedStore = TestStore & { remove: () => Promise<void> }

interface Opening extends Pick<TestStore, 'env' | 'execute' | 'holdWrites' | 'countDeadlocks'> {
  settings: Parameters<typeof openStore>[0]
  options: Partial<StoreOptions>
  removeFiles: () => Promise<void>
}

async function openSqlite(options: Partial<StoreOptions>): Promise<OpenedStore> {
  const dataDir = await mkdtemp(join(tmpdir(), 'dynamo-test-'))
  return openAll({
    settings: { databaseUrl: null, dataDir, masterKey: null },
    options,
    env: { DYNAMO_DATA_DIR: dataDir },
    async execute(text) {
      using database = new DatabaseSync(join(dataDir, 'dynamo.sqlite'))
      database.exec(text)
    },
    async holdWrites() {
      const database = new DatabaseSync(join(dataDir, 'dynamo.sqlite'))
      database.exec('begin immediate')
      return async () => database.close()
    },
    // one write runs after the other
    countDeadlocks: async () => 0,
    removeFiles: () => rm(dataDir, { recursive: true, force: true }),
  })
}

async function openPostgres(options: Partial<StoreOptions>): Promise<OpenedStore> {
  const server = await testServer()
  const name = `dynamo_test_${randomBytes(6).toString('hex')}`
  await query(server.url, `create database ${name}`)
  const url = new URL(server.url)
  url.pathname = `/${name}`
  const databaseUrl = url.href
  const dataDir = await mkdtemp(join(tmpdir(), 'dynamo-test-'))
  return openAll({
    settings: { databaseUrl, dataDir, masterKey: null },
    options,
    env: { DYNAMO_DATA_DIR: dataDir, DATABASE_URL: databaseUrl },
    async execute(text) {
      await query(databaseUrl, text)
    },
    async holdWrites() {
      const client = new pg.Client({ connectionString: databaseUrl })
      await client.connect()
      await client.query('begin; lock table users in exclusive mode')
      return () => client.end()
    },
    async countDeadlocks() {
      const { rows } = await query(server.url, `select deadlocks::int from pg_stat_database where datname = '${name}'`)
      return rows[0]?.deadlocks
    },
    async removeFiles() {
      await query(server.url, `drop database ${name} with (force)`)
      await server.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  })
}

async function openAll({ settings, options, removeFiles, ...given }: Opening): Promise<OpenedStore> {
  const all = new Set<Store>()
  const openAnother = async () => {
    const opened = await openStore(settings, options)
    const store = { ...opened, close: () => (all.delete(store) ? opened.close() : Promise.resolve()) }
    all.add(store)
    return store
  }
  return {
    store: await openAnother(),
    openAnother,
    ...given,
    async remove() {
      for (const store of all) await store.close()
      await removeFiles()
    },
  }
}

/** The server that the whole run shares, else one for this file alone. */
async function testServer(): Promise<{ url: string; stop: () => Promise<void> }> {
  const shared = process.env.TEST_DATABASE_URL
  if (shared) return { url: shared, stop: async () => undefined }
  const started = await startPostgres()
  if ('unavailable' in started) throw new Error(`No PostgreSQL to test on: ${started.unavailable}`)
  return started
}

async function query(url: string, text: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await client.query(text)
  } finally {
    await client.end()
  }
}
