import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { appendErasure } from '../src/erasure/erasures-file.ts'
import { openTestStore } from './app.ts'
import { dynamo, dynamoPrints, serveDynamo } from './cli.ts'
import { recordVips } from './lists.ts'
import { makeOrganization } from './organization.ts'
import { eachStore } from './stores.ts'

eachStore((get) => {
  test('an operator hands out what is kept, sees what was erased, overwrites it, and erases again after a restore', async () => {
    const { store, env, execute } = get()
    const { orgId, organizationId, channels } = await makeOrganization(store, { vipIndicator: 'ltv >= 1' })
    await recordVips(store, { orgId, mediumId: channels[0]?.mediumId ?? '', count: 5 })
    const prints = async (...args: string[]) => JSON.parse(await dynamoPrints(env, [...args, '--json']))
    const ofOrganization = ['--organization', organizationId]
    const kept = await prints('user', 'export', ...ofOrganization, 'u4')
    assert.deepEqual([kept.cuid, kept.ltv, kept.conversations.length, kept.listRows.length], ['u4', 4, 1, 1])

    const erasedTimestamp = 1_770_000_000_001
    const erasure = await store.write('eraseUser', { orgId, cuid: 'u4', erasedTimestamp })
    await appendErasure(env.DYNAMO_DATA_DIR ?? '', { organizationId, ...erasure })
    const { receipts } = await prints('receipt', 'list', ...ofOrganization)
    const { erased, ...receipt } = receipts[0]
    assert.deepEqual(receipt, { receiptId: erasure.receiptId, erasedTimestamp, compactedTimestamp: null })
    assert.deepEqual([erased.users, erased.conversations], [1, 1])
    assert.deepEqual(await prints('compact'), { receipts: 1 })
    assert.match(
      await dynamoPrints(env, ['receipt', 'list', ...ofOrganization]),
      /^\w+ {2}2026-\S+ {2}compacted {2}conversations 1, purchases 1, /,
    )

    assert.deepEqual(await prints('erasure', 'reapply'), { reapplied: 0, users: 0, known: 1 })
    // as a backup would have it that was made before
    for (const table of ['receipts', 'erased_users']) await execute(`delete from ${table} where org_id = ${orgId}`)
    await recordVips(store, { orgId, mediumId: channels[0]?.mediumId ?? '', count: 5 })
    assert.deepEqual(await prints('erasure', 'reapply'), { reapplied: 1, users: 1, known: 0 })
  })
  test('erasures that a restored store lacks are told by a server that starts and by verify, until they are done again', async () => {
    const { store, env, execute } = get()
    const dataDir = env.DYNAMO_DATA_DIR ?? ''
    const { orgId, organizationId } = await makeOrganization(store)
    const other = await makeOrganization(store)
    const erase = async (cuid: string, organization = organizationId) => {
      const erasure = await store.write('eraseUser', { orgId, cuid, erasedTimestamp: Date.now() })
      await appendErasure(dataDir, { organizationId: organization, ...erasure })
      return erasure
    }
    const repeated = await erase('ann')
    await appendErasure(dataDir, { organizationId, ...repeated })
    await erase('bo')
    // before the newest line, which the store knows
    await execute(`delete from receipts where org_id = ${orgId}`)
    await erase('cy')
    await erase('di', 'an organization that is gone')

    const told = /2 erasures in erasures\.ndjson are not in this store, [^\n]*: run `npx dynamo erasure reapply`/
    const verified = await dynamo(env, ['verify'])
    assert.equal(verified.code, 1)
    assert.match(verified.stdout, told)
    assert.equal((await dynamo(env, ['verify', '--organization', organizationId])).code, 1)
    assert.equal((await dynamo(env, ['verify', '--organization', other.organizationId])).code, 0)
    const server = await serveDynamo({ ...env, LOG_LEVEL: 'warn' })
    for (let tries = 0; tries < 500 && !told.test(server.output()); tries++) await pause(20)
    await server.stop()
    assert.match(server.output(), told)

    await dynamoPrints(env, ['erasure', 'reapply'])
    assert.match(await dynamoPrints(env, ['verify']), /^0 differences$/m)
    const again = await serveDynamo({ ...env, LOG_LEVEL: 'warn' })
    await again.stop()
    assert.doesNotMatch(again.output(), told)
  })
})

test('to erase again without the file that tells of whom is refused, and with an empty one it does nothing', async () => {
  const { env, remove } = await openTestStore()
  try {
    const refused = await dynamo(env, ['erasure', 'reapply'])
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /^There is no erasures\.ndjson in \/[^\n]*: put the one of the server there/)
    await writeFile(join(env.DYNAMO_DATA_DIR ?? '', 'erasures.ndjson'), '')
    assert.match(await dynamoPrints(env, ['erasure', 'reapply']), /^Erased again: 0,/)
  } finally {
    await remove()
  }
})
