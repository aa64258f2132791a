import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import pg from 'pg'
import { makeBuyers } from '../../test/buyers.ts'
import { recordVips } from '../../test/lists.ts'
import { makeOrganization } from '../../test/organization.ts'
import { eachStore, onStore } from '../../test/stores.ts'
import { GATE_SQL } from './list-reader.ts'
import { openStore } from './open-store.ts'
import { FILTERS, ROW_MONTHS_SQL as POSTGRES_MONTHS_SQL, pageSql } from './postgres/list-reader.ts'
import { PAGE_SQL, ROW_MONTHS_SQL } from './sqlite/list-reader.ts'

eachStore((get) => {
  test('a page is read in list order from an index, without a sort or a scan of the list', async () => {
    const { store, env } = get()
    const organization = await makeOrganization(store, { vipIndicator: 'ltv >= 0' })
    await recordVips(store, {
      orgId: organization.orgId,
      mediumId: organization.channels[0]?.mediumId ?? '',
      count: 3_000,
    })
    const plans = env.DATABASE_URL ? await explainPostgres(env.DATABASE_URL) : explainSqlite(env.DYNAMO_DATA_DIR ?? '')
    assert(plans.length >= 3)
    for (const plan of plans) {
      assert.doesNotMatch(plan, /\bsort\b|temp b-tree|seq scan on vip_users|scan v\b/i)
      assert.match(plan, /index (only )?scan using vip_users|search v using/i)
    }
  })

  test('who counts along a list, to an offset or for ranks, reads an index alone', async () => {
    const { env } = get()
    await makeBuyers(get(), 'ltv >= 0', 3_000)
    const plans = env.DATABASE_URL
      ? await explainPostgres(env.DATABASE_URL)
      : COUNTING.map((text) => explainOne(env.DYNAMO_DATA_DIR ?? '', text))
    for (const plan of plans) assert.match(plan, /index only scan using vip_users|search v using covering index/i)
  })

  test('who is due in a workspace is found by an index, with each question', async () => {
    const { env } = get()
    await makeBuyers(get(), 'now - lastPurchaseTimestamp < days(9)', 3_000)
    const plan = env.DATABASE_URL
      ? await explainGate(env.DATABASE_URL)
      : explainOne(env.DYNAMO_DATA_DIR ?? '', GATE_SQL)
    assert.match(plan, /index only scan using vip_marks_due|search m using covering index vip_marks_due/i)
  })
})

onStore('PostgreSQL', (get) => {
  test('users who came after the last analyze are found by their keys, not among all of their organization', async () => {
    const { execute, env } = get()
    const settings = { databaseUrl: env.DATABASE_URL ?? '', dataDir: env.DYNAMO_DATA_DIR ?? '', masterKey: null }
    const rowsReadBy = async (counts: number[]) => {
      const since = new Date()
      const before = await rowsRead(settings.databaseUrl, since)
      const writing = await openStore(settings)
      const { orgId, channels } = await makeOrganization(writing)
      for (const count of counts) {
        let isRecording = true
        const recording = recordVips(writing, { orgId, mediumId: channels[0]?.mediumId ?? '', count })
        const recorded = Promise.allSettled([recording]).then(() => {
          isRecording = false
        })
        // small writes beside it, so that some analyze follows one of them
        while (isRecording) await writing.write('createOrganization', { name: 'Beside' })
        await Promise.all([recording, recorded])
      }
      await writing.close()
      const after = await rowsRead(settings.databaseUrl, since)
      return Object.entries(after).map(([table, rows]) => [table, rows - (before[table] ?? 0)] as const)
    }
    const assertFew = (read: Awaited<ReturnType<typeof rowsReadBy>>) => {
      for (const [table, rows] of read) assert(rows < 150_000, `${rows} rows of ${table} were read for 8,000`)
      assert(read.some(([table, rows]) => table === 'users' && rows > 8_000))
    }
    // also where nothing was analyzed before the first rows came
    assertFew(await rowsReadBy([3_000, 5_000]))
    await execute('analyze')
    assertFew(await rowsReadBy([3_000, 1_000, 1_000, 1_000, 1_000, 1_000]))
  })
})

/** By all queries until now, for each table. Waits for the connections opened since then to end: they count then. */
async function rowsRead(url: string, since: Date): Promise<Record<string, number>> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const open = `select 1 from pg_stat_activity
      where datname = current_database() and application_name = 'dynamo' and backend_start > $1`
    while ((await client.query(open, [since])).rows.length > 0);
    const { rows } = await client.query<{ name: string; read: string }>(`
      select t.relname as name, t.seq_tup_read + sum(i.idx_tup_read) as read
      from pg_stat_user_tables t join pg_stat_user_indexes i on i.relid = t.relid
      group by t.relname, t.seq_tup_read`)
    return Object.fromEntries(rows.map(({ name, read }) => [name, Number(read)]))
  } finally {
    await client.end()
  }
}

async function explainGate(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query('analyze vip_marks')
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(`explain ${GATE_SQL}`, [1, 'w', 'm'])
    return rows.map((row) => row['QUERY PLAN']).join('\n')
  } finally {
    await client.end()
  }
}

function explainOne(dataDir: string, text: string): string {
  using database = new DatabaseSync(join(dataDir, 'dynamo.sqlite'))
  const steps = database.prepare(`explain query plan ${text.replaceAll('$', '?')}`).all() as { detail: string }[]
  return steps.map((step) => step.detail).join('\n')
}

const COUNTING = [...Object.values(PAGE_SQL).map(({ skip }) => skip), ROW_MONTHS_SQL]

function explainSqlite(dataDir: string): string[] {
  return Object.values(PAGE_SQL)
    .flatMap(({ page, ltvPage }) => [page, ltvPage])
    .concat(COUNTING)
    .map((text) => explainOne(dataDir, text))
}

const MONTHS = { text: POSTGRES_MONTHS_SQL, values: "1, 1, 1, 1, -5, 'c', 100" }
const PAGES = Object.values(FILTERS).map((filter) => ({
  text: pageSql(filter, GATE_SQL),
  values: `1, 'w', 'm', 1, 1, 1, -5, 'c', 10, 50${filter.includes('$11') ? ', 5' : ''}`,
}))

/** The plans that stay, whatever the values are. */
async function explainPostgres(url: string, asked = [...PAGES, MONTHS]): Promise<string[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query('analyze vip_users; set plan_cache_mode = force_generic_plan')
    const plans: string[] = []
    for (const [n, { text, values }] of asked.entries()) {
      await client.query(`prepare asked_${n} as ${text}`)
      const { rows } = await client.query<{ 'QUERY PLAN': string }>(`explain execute asked_${n} (${values})`)
      plans.push(rows.map((row) => row['QUERY PLAN']).join('\n'))
    }
    return plans
  } finally {
    await client.end()
  }
}
