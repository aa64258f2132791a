import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { pino } from 'pino'
import { testApp } from '../../test/app.ts'
import { recordVips } from '../../test/lists.ts'
import { makeOrganization } from '../../test/organization.ts'
import type { Credentials } from '../../test/signed.ts'
import { eachStore } from '../../test/stores.ts'

eachStore((get) => {
  test('who is erased over the API is gone from the next list, and a line outside the store tells of it', async (t) => {
    const { store } = get()
    const dataDir = await mkdtemp(join(tmpdir(), 'dynamo-test-'))
    t.after(() => rm(dataDir, { recursive: true }))
    const { orgId, organizationId, workspaceId, channels } = await makeOrganization(store, { vipIndicator: 'ltv >= 1' })
    const mediumId = channels[0]?.mediumId ?? ''
    await recordVips(store, { orgId, mediumId, count: 5 })
    const logged: string[] = []
    const log = pino(
      {},
      new Writable({
        write(chunk, _encoding, done) {
          logged.push(String(chunk))
          done()
        },
      }),
    )
    const { clock, key, get: ask, post } = testApp(store, { DYNAMO_DATA_DIR: dataDir }, { log })
    const credentials = await key(orgId, 'read+erase')
    const erase = (body: object, by: Credentials = credentials) => post(by, '/v1.0/user/deleteUserData', body)

    const list = `/vip-users?workspaceId=${workspaceId}&mediumId=${mediumId}`
    assert.match((await ask(credentials, list)).body, /"cuid":"u4"/)
    const erased = await erase({ userId: 'u4' })
    assert.deepEqual([erased.statusCode, erased.body], [200, ''])
    assert.doesNotMatch((await ask(credentials, list)).body, /u4|User 4/)

    const unknown = await erase({ userId: 'nobody' })
    assert.equal(unknown.statusCode, 200)
    assert.equal((await erase({})).statusCode, 422)
    assert.equal((await erase({ batch: [{ userId: 'u3' }] })).statusCode, 422)
    assert.equal((await erase({ userId: 'u3' }, await key(orgId, 'read+report'))).statusCode, 403)

    const lines = (await readFile(join(dataDir, 'erasures.ndjson'), 'utf8')).trimEnd().split('\n')
    assert.deepEqual(
      lines.map((line) => {
        const { userHash, ...record } = JSON.parse(line)
        assert.match(userHash, /^[\w-]{43}$/)
        return record
      }),
      [erased, unknown].map(({ headers }) => ({
        organizationId,
        receiptId: headers['x-erasure-receipt'],
        erasedTimestamp: clock.ms,
      })),
    )
    assert.doesNotMatch(logged.join(''), /u4|nobody|User 4/)
    assert.equal(logged.length, 7)
  })

  test('a fact dated before the erasure of its user is answered 200, dropped and counted', async () => {
    const { store } = get()
    const { orgId } = await makeOrganization(store)
    const { app, clock, key, post } = testApp(store)
    const linkId = 'link-of-nobody-yet'
    await get().execute(
      `insert into links (org_id, link_id, created_timestamp) values (${orgId}, '${linkId}', ${clock.ms})`,
    )
    const credentials = await key(orgId)
    await store.write('eraseUser', { orgId, cuid: 'ann', erasedTimestamp: clock.ms })
    const report = (path: string, body: object) => post(credentials, `/v1.0/user${path}`, body)
    const old = { userId: 'ann', timestamp: clock.ms - 1 }
    const properties = [{ key: 'plan', value: 'pro' }]
    for (const [path, item] of [
      ['/activity', old],
      ['/properties', { ...old, properties }],
      ['/purchase', { ...old, revenue: 5 }],
      ['/identify', { ...old, d10xLinkId: linkId }],
    ] as const) {
      assert.equal((await report(path, item)).statusCode, 200, path)
    }
    const users = () => store.db.selectFrom('users as u').select('u.cuid').where('u.org_id', '=', orgId).execute()
    assert.equal((await users()).length, 0)
    const metrics = await app.inject({ url: '/metrics', remoteAddress: '127.0.0.1', headers: { host: 'localhost' } })
    assert.match(metrics.body, /^dynamo_erased_facts_total 4$/m)
    // without a time it happens on arrival
    assert.equal((await report('/activity', { userId: 'ann' })).statusCode, 200)
    assert.equal((await users()).length, 1)
  })

  test('an erasure that cannot be told outside the store is answered 503, to be sent again', async () => {
    const { store } = get()
    const { orgId } = await makeOrganization(store)
    // no folder can be there, not even for root, whom no mode keeps out
    const { key, post } = testApp(store, { DYNAMO_DATA_DIR: '/dev/null/data' })
    const answer = await post(await key(orgId), '/v1.0/user/deleteUserData', { userId: 'ann' })
    assert.equal(answer.statusCode, 503)
    assert.equal(answer.headers['retry-after'], '1')
    assert.equal(answer.headers['x-erasure-receipt'], undefined)
  })
})
