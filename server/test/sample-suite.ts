import assert from 'node:assert/strict'
import { stat } from 'node:fs/promises'
import { test } from 'node:test'
import { dynamoPrints, getSigned, serveDynamo } from './cli.ts'
import type { TestStore } from './stores.ts'

export function sampleSuite(get: () => TestStore): void {
  test('the sample is loaded once by servers that start together, comes back after a kill, and can be removed', async () => {
    const { env, store } = get()
    await store.write('startSample', { name: 'half loaded, then killed' })
    const servers = await Promise.all([serveDynamo(env, ['--with-sample']), serveDynamo(env, ['--with-sample'])])
    const organizations = await store.db.selectFrom('organizations as o').select('o.name').execute()
    assert.deepEqual(
      organizations.map((row) => row.name),
      ['Golden Otter Casino (sample)'],
    )
    const path = `${env.DYNAMO_DATA_DIR}/sample.json`
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    const { default: sample } = await import(path, { with: { type: 'json' } })
    assert.deepEqual(Object.keys(sample), ['baseUrl', 'apiKey', 'secret', 'organizationId', 'workspaceId', 'mediumIds'])
    assert.ok(servers.some((server) => server.url === sample.baseUrl))
    for (const mediumId of Object.values(sample.mediumIds)) {
      const list = `${sample.baseUrl}/vip-users?workspaceId=${sample.workspaceId}&mediumId=${mediumId}&limit=1`
      const page = await getSigned<{ total: number; items: { profilePic: string }[] }>(list, sample)
      assert.ok(page.total > 300)
      assert.ok((await fetch(page.items[0]?.profilePic ?? '')).ok)
    }
    for (const server of servers) assert.equal(await server.stop(), 0)
    await dynamoPrints(env, ['verify'])
    await dynamoPrints(env, ['sample', 'remove'])
    for (const table of ['organizations', 'users', 'vip_users', 'api_keys', 'purchases'] as const) {
      const left = await store.db.selectFrom(table).select('org_id').limit(1).execute()
      assert.deepEqual(left, [], table)
    }
  })
}
