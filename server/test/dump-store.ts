import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import pg from 'pg'

/** Every row of every table of a store as text. */
export async function dumpStore(env: Record<string, string>): Promise<string> {
  return env.DATABASE_URL ? await dumpPostgres(env.DATABASE_URL) : dumpSqlite(env.DYNAMO_DATA_DIR ?? '')
}

/** The bytes of all files that a store leaves: the data folder's, with the folders in it, and the database's own. */
export async function readStoreFiles(env: Record<string, string>): Promise<string> {
  const ofDatabase = env.DATABASE_URL ? [await databaseFolder(env.DATABASE_URL)] : []
  return (await Promise.all([env.DYNAMO_DATA_DIR ?? '', ...ofDatabase].map(readFolder))).join('\n')
}

/** The bytes of all files in a folder and the folders in it, each as a character. */
export async function readFolder(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  return (await Promise.all(files.map(({ parentPath, name }) => readFile(join(parentPath, name), 'latin1')))).join('\n')
}

async function databaseFolder(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query('checkpoint')
    const { rows } = await client.query<{ folder: string }>(`
      select current_setting('data_directory') || '/base/' || d.oid as folder
      from pg_database d where d.datname = current_database()`)
    return rows[0]?.folder ?? ''
  } finally {
    await client.end()
  }
}

function dumpSqlite(dataDir: string): string {
  using database = new DatabaseSync(join(dataDir, 'dynamo.sqlite'), { readOnly: true })
  const tables = database.prepare(`select name from sqlite_schema where type = 'table'`).all() as { name: string }[]
  return tables
    .flatMap(({ name }) => {
      const rows = database.prepare(`select * from ${name}`)
      rows.setReadBigInts(true)
      return rows.all().map((row) => Object.values(row).join('|'))
    })
    .join('\n')
}

async function dumpPostgres(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const tables = await client.query<{ name: string }>(
      `select tablename as name from pg_tables where schemaname = current_schema()`,
    )
    const lines: string[] = []
    for (const { name } of tables.rows) {
      const { rows } = await client.query<{ line: string }>(`select t::text as line from ${name} t`)
      lines.push(...rows.map((row) => row.line))
    }
    return lines.join('\n')
  } finally {
    await client.end()
  }
}
