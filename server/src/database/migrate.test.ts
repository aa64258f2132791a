import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordVips } from '../../test/lists.ts'
import { makeOrganization } from '../../test/organization.ts'
import { eachStore } from '../../test/stores.ts'
import { readMeta } from './meta.ts'
import { describeSchema } from './migrate.ts'

eachStore((get) => {
  test('a store that is opened again keeps its id and its schema', async () => {
    const { store, openAnother } = get()
    const schema = await describeSchema(store.db)
    const again = await openAnother()
    assert.equal(again.id, store.id)
    assert.deepEqual(await describeSchema(again.db), schema)
    assert.equal(await readMeta(again.db, 'schema'), schema.join('\n'))
  })

  test('the keys of a store with lists are made anew by an upgrade', async () => {
    const { store, openAnother, execute, env } = get()
    const { orgId, workspaceId, channels } = await makeOrganization(store, { vipIndicator: 'ltv >= 0' })
    const mediumId = channels[0]?.mediumId ?? ''
    await recordVips(store, { orgId, mediumId, count: 3_000 })
    const question = { orgId, workspaceId, mediumId, months: null, limit: 10, offset: 1_500 }
    const schema = await describeSchema(store.db)
    const page = await store.readList(question)
    const key = 'org_id, workspace_key, channel_key, generation, negated_ltv_micros, conversation_id'
    const before = env.DATABASE_URL
      ? ['alter table vip_users drop constraint vip_users_pkey', `alter table vip_users add primary key (${key})`]
      : ['drop index vip_users_key']
    for (const statement of before) await execute(statement)
    await execute("update store_meta set value = '5' where name = 'schema_version'")
    assert.notDeepEqual(await describeSchema(store.db), schema)

    const upgraded = await openAnother()
    assert.deepEqual(await describeSchema(upgraded.db), schema)
    assert.deepEqual(await upgraded.readList(question), page)
  })

  test('a store with a newer schema than the program knows is not opened', async () => {
    const { store, openAnother, execute } = get()
    const version = await readMeta(store.db, 'schema_version')
    await execute("update store_meta set value = '1000' where name = 'schema_version'")
    try {
      await assert.rejects(openAnother(), /The store has schema 1000, this program knows .*run a newer version/)
    } finally {
      await execute(`update store_meta set value = '${version}' where name = 'schema_version'`)
    }
  })
})
