import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { loadConfig } from '../src/config.ts'
import { openStore, type StoreOptions } from '../src/database/open-store.ts'
import type { Store } from '../src/database/store.ts'
import { checkFingerprint, createSecrets, loadMasterKey, type Secrets } from '../src/secrets.ts'
import { startPostgres } from '../test/postgres-server.ts'
import { type ListSize, type MadeList, makeList } from './made-list.ts'

export type StoreName = 'sqlite' | 'postgres'

interface StoreEnv {
  name: StoreName
  env: Record<string, string>
}

/**
 * What tells a server, or a command, to use each of these stores, and where PostgreSQL is if it is one of them.
 *
 * @param list  names with commas between
 * @param postgresUrl  a server on which a database may be made; without it one is started
 */
export async function storeEnvs(
  list: string,
  folder: string,
  postgresUrl: string | undefined,
): Promise<{ stores: StoreEnv[]; databaseUrl: string | undefined }> {
  const stores: StoreEnv[] = []
  for (const name of storeNamesOf(list)) stores.push({ name, env: await storeEnv(name, folder, postgresUrl) })
  return { stores, databaseUrl: stores.find(({ name }) => name === 'postgres')?.env.DATABASE_URL }
}

function storeNamesOf(list: string): StoreName[] {
  return list.split(',').filter((name): name is StoreName => name === 'sqlite' || name === 'postgres')
}

const DATABASE = 'dynamo_benchmark'
/** As the guide `operate.md` has it for a server with 8 GB: otherwise a million users do not fit its memory. */
const SERVER_SETTINGS = { shared_buffers: '2GB', max_wal_size: '4GB' }

async function storeEnv(
  name: StoreName,
  folder: string,
  postgresUrl: string | undefined,
): Promise<Record<string, string>> {
  const dataDir = { DYNAMO_DATA_DIR: join(folder, name) }
  return name === 'sqlite' ? dataDir : { ...dataDir, DATABASE_URL: await makeDatabase(postgresUrl) }
}

async function makeDatabase(given: string | undefined): Promise<string> {
  const started = given ? { url: given } : await startPostgres({ settings: SERVER_SETTINGS })
  if ('unavailable' in started) throw new Error(`No PostgreSQL: ${started.unavailable}`)
  const url = new URL(started.url)
  const client = new pg.Client({ connectionString: url.href })
  await client.connect()
  const { rows } = await client.query('select 1 from pg_database d where d.datname = $1', [DATABASE])
  if (rows.length === 0) await client.query(`create database ${DATABASE}`)
  await client.end()
  url.pathname = `/${DATABASE}`
  return url.href
}

/** Opens the store that a server with this environment would open. */
export async function openFrom(
  env: Record<string, string>,
  options: Partial<StoreOptions> = {},
): Promise<{ store: Store; secrets: Secrets }> {
  const config = loadConfig(env)
  const store = await openStore(config, options)
  const secrets = createSecrets(loadMasterKey(config))
  await checkFingerprint(store, secrets)
  return { store, secrets }
}

/** The lists of these sizes: those that an earlier run left in the store, and new ones for the others. */
export async function ensureLists(env: Record<string, string>, sizes: number[]): Promise<MadeList[]> {
  const { store, secrets } = await openFrom(env)
  const file = join(loadConfig(env).dataDir, 'lists.json')
  const kept: MadeList[] = JSON.parse(await readFile(file, 'utf8').catch(() => '[]'))
  const lists: MadeList[] = []
  for (const rows of sizes) {
    const known = kept.find((list) => list.rows === rows)
    const startedMs = performance.now()
    const list =
      known && (await isThere(store, known))
        ? known
        : await makeList(store, secrets, { users: rows, vipShare: 1 }, (done) => showProgress(`${store.name}: ${done}`))
    showProgress('')
    if (list !== known) {
      const seconds = Math.round((performance.now() - startedMs) / 1000)
      process.stderr.write(`${store.name}: made a list of ${rows} in ${seconds} s\n`)
    }
    lists.push(list)
    await writeFile(file, JSON.stringify([...kept.filter((old) => !sizes.includes(old.rows)), ...lists]))
  }
  await store.close()
  return lists
}

/** A new list for each of these. */
export async function makeNewLists(env: Record<string, string>, wanted: ListSize[]): Promise<MadeList[]> {
  const { store, secrets } = await openFrom(env)
  const lists: MadeList[] = []
  for (const size of wanted) {
    lists.push(await makeList(store, secrets, size, (done) => showProgress(`${store.name}: ${done}`)))
  }
  showProgress('')
  await store.close()
  return lists
}

async function isThere(store: Store, list: MadeList): Promise<boolean> {
  const page = await store.readList({ ...list, months: null, limit: 1, offset: 0 })
  return typeof page !== 'string' && page.total === list.rows
}

function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
}
