import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { conversationOf } from '../../test/conversations.ts'
import { makeOrganization, type TestOrganization } from '../../test/organization.ts'
import { eachStore, type TestStore } from '../../test/stores.ts'
import { isPostgres } from '../database/dialect.ts'
import type { Store } from '../database/store.ts'
import { exportUser } from './export-user.ts'

/** What a subject access request is not answered with, and why. A new table or column is exported, or gets its reason here. */
const OTHER_TABLES: Record<string, string> = {
  store_meta: 'the store itself',
  organizations: 'the customer',
  api_keys: 'the customer',
  workspaces: 'the customer',
  channels: 'the customer',
  workspace_channels: 'the customer',
  vip_user_ranges: 'counts; a range begins with the key of a list row',
  webhook_messages: 'keyed hashes of messages, which lead to nobody',
  exports: 'lists of many, which go after an hour',
  erased_users: 'keyed hashes of who was erased',
  receipts: 'counts of what was erased',
}
const OTHER_COLUMNS: Record<string, string> = {
  'users.purchases_micros': 'the sum of the purchases',
  'users.purchases': 'how many of the purchases are none below 0',
  'users.last_purchase_id': 'one of the purchases',
  'users.ltv_property_micros': 'the property',
  'purchases.previous_purchase_id': 'another of the purchases',
  'profile_reads.lease': 'which server reads',
  'idempotent_answers.key_hash': 'a keyed hash of what the back end sent',
  'idempotent_answers.body_hash': 'a keyed hash of what the back end sent',
  'vip_marks.vip': 'told as true or false',
  'vip_marks.generation': 'which making of the lists',
  'vip_users.generation': 'which making of the lists',
  'vip_users.negated_ltv_micros': 'the LTV',
  'vip_users.birthday_month': 'the month of the birthday',
}
/** By these tables refer to each other. */
const isReference = (column: string) => column === 'org_id' || column.endsWith('_key')

const TIMESTAMP = 1_770_000_000_000

interface Column {
  table: string
  column: string
  type: string
}

async function readColumns({ db }: Store): Promise<Column[]> {
  const query = isPostgres(db)
    ? sql<Column>`
        select c.table_name as "table", c.column_name as "column", c.data_type as type
        from information_schema.columns c where c.table_schema = current_schema()`
    : sql<Column>`
        select t.name as "table", c.name as "column", c.type
        from pragma_table_list t join pragma_table_info(t.name) c
        where t.schema = 'main' and t.name not like 'sqlite_%'`
  return (await query.execute(db)).rows
}

/** Somebody of whom each table that is about people has something, in an organization without anybody else. */
async function recordPerson({ store, execute }: TestStore, { orgId, channels }: TestOrganization): Promise<void> {
  const { mediumId = '', channelKey = 0 } = channels[0] ?? {}
  // so that profiles are to be read
  await execute(`update channels set access_token_ciphertext = 'token' where org_id = ${orgId}`)
  const known = { conversationId: 'c-ann', cuid: 'ann', userName: 'ann.lee', firstName: 'Annie', lastName: 'Lee' }
  const conversation = conversationOf(mediumId, 'p-ann', { ...known, profilePic: 'https://example.com/ann.jpg' })
  await store.write('recordConversations', { orgId, conversations: [conversation] })
  const purchase = { purchaseId: 'order', cuid: 'ann', revenueMicros: 5_000_000n, timestamp: TIMESTAMP }
  await store.write('recordPurchases', { orgId, purchases: [purchase] })
  const properties = [{ key: 'birthday', value: '1990-05-17' }]
  const report = { cuid: 'ann', properties, lastAppOpenTimestamp: TIMESTAMP, eventTimestamp: TIMESTAMP }
  await store.write('recordUsers', { orgId, users: [report] })
  const claims = [{ field: 'firstName' as const, value: 'Anna' }]
  await store.write('setPersonalInformation', { orgId, cuid: 'ann', author: 'ops', claims })
  const idempotency = { route: 'POST /v1.0/user/links', keyHash: 'key', bodyHash: 'body' }
  await store.write('createUserLink', { orgId, cuid: 'ann', eventTimestamp: TIMESTAMP, idempotency })
  const event = { orgId, channelKey, mediumId, platformUserId: 'p-ann', timestamp: TIMESTAMP, midHash: null }
  await store.write('storeEvents', { events: [{ ...event, kind: 'referral', linkId: 'd10x-ann' }] })
}

/** All texts and numbers in it. */
function scalarsIn(value: unknown): unknown[] {
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(scalarsIn) : [value]
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

eachStore((get) => {
  test('what a user is handed out has every column of every table that holds something of them', async () => {
    const { store, execute } = get()
    const organization = await makeOrganization(store, { vipIndicator: 'ltv >= 1' })
    const { orgId } = organization
    await recordPerson(get(), organization)
    const columns = await readColumns(store)
    const names = new Set(columns.flatMap(({ table, column }) => [table, `${table}.${column}`]))
    assert.deepEqual(
      [...Object.keys(OTHER_TABLES), ...Object.keys(OTHER_COLUMNS)].filter((name) => !names.has(name)),
      [],
    )
    const exportable = columns.filter(
      ({ table, column }) =>
        !(table in OTHER_TABLES) && !(`${table}.${column}` in OTHER_COLUMNS) && !isReference(column),
    )
    // a number that is in no other column
    const numbers = new Map(exportable.filter(({ type }) => !/text/i.test(type)).map((of, n) => [of, 1_000_001 + n]))
    for (const [{ table, column }, number] of numbers) {
      const value = column.endsWith('_micros') ? number * 1e6 : number
      await execute(`update ${table} set ${column} = ${value} where org_id = ${orgId}`)
    }

    const exported = new Set(scalarsIn(JSON.parse(JSON.stringify(await exportUser(store, { orgId, cuid: 'ann' })))))
    const missing: string[] = []
    for (const of of exportable) {
      const { table, column } = of
      const { rows } = await sql<{ value: string | null }>`
        select ${sql.ref(column)} as value from ${sql.table(table)} where org_id = ${orgId}`.execute(store.db)
      const values = numbers.has(of) ? [numbers.get(of)] : rows.flatMap(({ value }) => value ?? [])
      assert.ok(rows.length > 0 && values.length > 0, `the test knows nothing of the person for ${table}.${column}`)
      const isThere = (value: unknown) =>
        exported.has(value) || scalarsIn(parsed(`${value}`)).every((one) => exported.has(one))
      if (!values.every(isThere)) missing.push(`${table}.${column}`)
    }
    assert.deepEqual(missing, [])
  })
})
