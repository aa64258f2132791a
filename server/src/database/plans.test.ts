import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import pg from 'pg'
import { makeBuyers } from '../../test/buyers.ts'
import { recordVips } from '../../test/lists.ts'
import { makeOrganization } from '../../test/organization.ts'
import { eachStore } from '../../test/stores.ts'
import { GATE_SQL } from './list-reader.ts'
import { FILTERS, pageSql } from './postgres/list-reader.ts'
import { PAGE_SQL } from './sqlite/list-reader.ts'

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

  test('who is due in a workspace is found by an index, with each question', async () => {
    const { env } = get()
    await makeBuyers(get(), 'now - lastPurchaseTimestamp < days(9)', 3_000)
    const plan = env.DATABASE_URL
      ? await explainGate(env.DATABASE_URL)
      : explainOne(env.DYNAMO_DATA_DIR ?? '', GATE_SQL)
    assert.match(plan, /index only scan using vip_marks_due|search m using covering index vip_marks_due/i)
  })
})

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

function explainSqlite(dataDir: string): string[] {
  return Object.values(PAGE_SQL)
    .flatMap(({ skip, page, ltvPage }) => [skip, page, ltvPage])
    .map((text) => explainOne(dataDir, text))
}

async function explainPostgres(url: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query('analyze vip_users; set plan_cache_mode = force_generic_plan')
    const plans: string[] = []
    for (const [name, filter] of Object.entries(FILTERS)) {
      await client.query(`prepare ${name}_page as ${pageSql(filter, GATE_SQL)}`)
      const month = filter.includes('$11') ? ', 5' : ''
      const { rows } = await client.query<{ 'QUERY PLAN': string }>(
        `explain execute ${name}_page (1, 'w', 'm', 1, 1, 1, -5, 'c', 10, 50${month})`,
      )
      plans.push(rows.map((row) => row['QUERY PLAN']).join('\n'))
    }
    return plans
  } finally {
    await client.end()
  }
}
