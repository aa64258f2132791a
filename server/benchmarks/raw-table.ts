import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { openConnection } from '../src/database/sqlite/connection.ts'

export interface RawRow {
  id: string
  cuid: string
  value: string
  /** epoch ms */
  timestamp: number
}

/** What inserts rows and does nothing else: a table with a unique index on the id. */
export interface RawTable {
  /** connections that insert at once */
  lanes: number
  /** in a durable transaction; a row whose id is there is replaced */
  insert: (rows: RawRow[]) => Promise<void>
  drop: () => Promise<void>
}

const COLUMNS = 'id text not null unique, cuid text not null, value text not null, timestamp bigint not null'
const ON_CONFLICT = 'on conflict (id) do update set value = excluded.value, timestamp = excluded.timestamp'
const ROWS_PER_FILL = 10_000

/**
 * Makes the table in the server's own store, or beside it as a file of the same settings.
 *
 * @param size  how many rows it holds
 */
export async function makeRawTable(
  { DATABASE_URL, DYNAMO_DATA_DIR = '' }: Record<string, string>,
  size: number,
  knownId: (number: number) => string,
): Promise<RawTable> {
  const table = DATABASE_URL ? await makeInPostgres(DATABASE_URL) : makeInSqlite(DYNAMO_DATA_DIR)
  for (let first = 0; first < size; first += ROWS_PER_FILL) {
    const numbers = Array.from({ length: Math.min(ROWS_PER_FILL, size - first) }, (_, index) => first + index)
    await table.insert(numbers.map((number) => ({ id: knownId(number), cuid: '', value: '', timestamp: 0 })))
  }
  return table
}

function makeInSqlite(folder: string): RawTable {
  const path = join(folder, `raw-${randomUUID()}.db`)
  const { database } = openConnection(path)
  database.exec(`create table raw_rows (${COLUMNS})`)
  const statement = database.prepare(
    `insert into raw_rows (id, cuid, value, timestamp) values (?, ?, ?, ?) ${ON_CONFLICT}`,
  )
  return {
    lanes: 1,
    async insert(rows) {
      database.exec('begin immediate')
      for (const { id, cuid, value, timestamp } of inOrder(rows)) statement.run(id, cuid, value, timestamp)
      database.exec('commit')
    },
    async drop() {
      database.close()
      await Promise.all(['', '-wal', '-shm'].map((end) => rm(path + end, { force: true })))
    },
  }
}

async function makeInPostgres(connectionString: string): Promise<RawTable> {
  const lanes = 4
  const pool = new pg.Pool({ connectionString, max: lanes })
  await pool.query('drop table if exists raw_rows')
  await pool.query(`create table raw_rows (${COLUMNS})`)
  const text = `insert into raw_rows (id, cuid, value, timestamp)
    select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) ${ON_CONFLICT}`
  return {
    lanes,
    async insert(given) {
      const rows = inOrder(given)
      const columns = (['id', 'cuid', 'value', 'timestamp'] as const).map((name) => rows.map((row) => row[name]))
      await pool.query({ name: 'raw', text, values: columns })
    },
    async drop() {
      await pool.query('drop table raw_rows')
      await pool.end()
    },
  }
}

/** Each id once, and in one order, so that no two transactions wait for each other. */
function inOrder(rows: RawRow[]): RawRow[] {
  const byId = new Map(rows.map((row) => [row.id, row]))
  return [...byId.values()].sort((one, other) => (one.id < other.id ? -1 : 1))
}
