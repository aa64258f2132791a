import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeKeys } from '../src/database/describe-keys.ts'
import { eachStore } from './stores.ts'

/** Looked up before the organization is known, or about the store as a whole. */
const NOT_BY_ORGANIZATION = new Set([
  'store_meta (name)',
  'organizations (organization_id)',
  'api_keys (api_key)',
  'channels (type, platform_id)',
])

eachStore((get) => {
  test('every key and index starts with the organization, the named few excepted', async () => {
    const keys = await describeKeys(get().store.db)
    assert(keys.length >= 25, `only ${keys.length} keys found`)
    const others = keys
      .filter(({ columns }) => columns[0] !== 'org_id')
      .map(({ table, columns }) => `${table} (${columns.join(', ')})`)
    assert.deepEqual(new Set(others), NOT_BY_ORGANIZATION)
  })
})
