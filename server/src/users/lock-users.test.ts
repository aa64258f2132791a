import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { makeOrganization } from '../../test/organization.ts'
import { onStore } from '../../test/stores.ts'
import { verifyStore } from '../vip-users/verify.ts'

onStore('PostgreSQL', (get) => {
  test('a write that would make a user whom another is making lets go of those whom it has locked, and begins anew', async () => {
    const { store, openAnother, countDeadlocks, env } = get()
    const { orgId } = await makeOrganization(store, { vipIndicator: 'ltv >= 100' })
    const buy = (cuid: string) => ({ purchaseId: cuid, cuid, revenueMicros: 5_000_000n, timestamp: 1_780_000_000_000 })
    await store.write('recordPurchases', { orgId, purchases: [buy('zoe')] })
    const other = new pg.Client({ connectionString: env.DATABASE_URL })
    await other.connect()
    await other.query('begin')
    await other.query("insert into users (org_id, user_key, cuid) values ($1, nextval('users_keys'), 'ann')", [orgId])
    const server = await openAnother()
    const purchases = [buy('ann'), { ...buy('zoe'), purchaseId: 'zoe again' }]
    const written = server.write('recordPurchases', { orgId, purchases })
    await untilSomebodyWaits(other)
    await other.query("select 1 from users where org_id = $1 and cuid = 'zoe' for update", [orgId])
    await other.query('commit')
    assert.deepEqual(await written, ['recorded', 'recorded'])
    await other.end()
    await server.close()
    assert.equal(await countDeadlocks(), 0)
    assert.deepEqual(await verifyStore(store, { orgId }), [])
  })
})

async function untilSomebodyWaits(client: pg.Client): Promise<void> {
  const text = 'select 1 from pg_locks where not granted and database is null and pid <> pg_backend_pid()'
  while ((await client.query(text)).rows.length === 0) await pause(5)
}
