import assert from 'node:assert/strict'
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { recordVips } from '../../test/lists.ts'
import { makeOrganization } from '../../test/organization.ts'
import { eachStore } from '../../test/stores.ts'
import { loadErasureKey } from '../secrets.ts'
import { verifyStore } from '../vip-users/verify.ts'
import { appendErasure, forgetErasureRecords, readErasuresFile } from './erasures-file.ts'
import { reapplyErasures } from './reapply-erasures.ts'

const TIMESTAMP = 1_770_000_000_000

eachStore((get) => {
  test('who was erased after a backup was made is erased again once it was put back, and once only', async () => {
    const { store, env, execute } = get()
    const erasureKey = loadErasureKey({ masterKey: null, dataDir: env.DYNAMO_DATA_DIR ?? '' })
    const { orgId, organizationId, channels } = await makeOrganization(store, { vipIndicator: 'ltv >= 1' })
    const mediumId = channels[0]?.mediumId ?? ''
    await recordVips(store, { orgId, mediumId, count: 10 })
    const record = async (cuid: string, organization = organizationId) => ({
      organizationId: organization,
      ...(await store.write('eraseUser', { orgId, cuid, erasedTimestamp: TIMESTAMP + 1 })),
    })
    const records = [await record('u4'), await record('u4'), await record('u6'), await record('nobody')]
    const foreign = await record('u7', 'an organization that is gone')
    assert.deepEqual(await reapplyErasures(store, erasureKey, records), { reapplied: 0, users: 0 })

    // each stands there twice, as after a repeated request; the store is as the backup has it: with the users, and without what was written since
    await execute(`delete from receipts where org_id = ${orgId}`)
    await execute(`delete from erased_users where org_id = ${orgId}`)
    await recordVips(store, { orgId, mediumId, count: 10 })
    assert.deepEqual(await reapplyErasures(store, erasureKey, [...records, ...records, foreign]), {
      reapplied: 4,
      users: 2,
    })
    assert.deepEqual(await reapplyErasures(store, erasureKey, [...records, foreign]), { reapplied: 0, users: 0 })
    const users = await store.db.selectFrom('users as u').select('u.cuid').where('u.org_id', '=', orgId).execute()
    assert.deepEqual(users.map((user) => user.cuid).sort(), ['u0', 'u1', 'u2', 'u3', 'u5', 'u7', 'u8', 'u9'])
    assert.deepEqual(await verifyStore(store, { orgId }), [])
    const purchases = [{ purchaseId: 'late', cuid: 'nobody', revenueMicros: 1n, timestamp: TIMESTAMP }]
    assert.deepEqual(await store.write('recordPurchases', { orgId, purchases }), ['erased'])
  })
})

test('an erasure is a line of its own outside the store, after one that a crash has cut too', async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'dynamo-test-'))
  t.after(() => rm(dataDir, { recursive: true }))
  assert.deepEqual(await readErasuresFile(dataDir), { records: [], cut: 0 })
  const record = { organizationId: 'o', receiptId: 'r1', userHash: 'h', erasedTimestamp: TIMESTAMP }
  await appendErasure(dataDir, record)
  await appendFile(join(dataDir, 'erasures.ndjson'), '{"organizationId":"o","rec')
  await appendErasure(dataDir, { ...record, receiptId: 'r2' })
  assert.deepEqual(await readErasuresFile(dataDir), { records: [record, { ...record, receiptId: 'r2' }], cut: 1 })
  assert.equal((await readFile(join(dataDir, 'erasures.ndjson'), 'utf8')).split('\n').length, 4)
})

test('erasures of long ago are left out of the file, and none that are appended meanwhile', async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'dynamo-test-'))
  t.after(() => rm(dataDir, { recursive: true }))
  const record = (receiptId: string, erasedTimestamp: number) => ({
    ...{ organizationId: 'o', receiptId, userHash: `hash of ${receiptId}`, erasedTimestamp },
  })
  await forgetErasureRecords(dataDir, TIMESTAMP)
  for (const one of [record('old', TIMESTAMP - 1), record('kept', TIMESTAMP)]) await appendErasure(dataDir, one)
  const forgetting = forgetErasureRecords(dataDir, TIMESTAMP)
  for (let n = 0; n < 20; n++) await appendErasure(dataDir, record(`late ${n}`, TIMESTAMP + n))
  await forgetting
  const { records, cut } = await readErasuresFile(dataDir)
  const names = ['kept', ...Array.from({ length: 20 }, (_, n) => `late ${n}`)]
  assert.deepEqual(records.map((one) => one.receiptId).sort(), names.sort())
  assert.deepEqual([cut, await readdir(dataDir)], [0, ['erasures.ndjson']])

  // a crash once what is kept has been written, and before the rest is gone
  await writeFile(join(dataDir, 'erasures.ndjson.old'), `${JSON.stringify(record('old', TIMESTAMP - 1))}\n`)
  assert.equal((await readErasuresFile(dataDir)).records.length, 22)
  await forgetErasureRecords(dataDir, TIMESTAMP)
  assert.equal((await readErasuresFile(dataDir)).records.length, 21)
})
