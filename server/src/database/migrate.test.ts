import assert from 'node:assert/strict'
import { test } from 'node:test'
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
