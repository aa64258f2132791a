import assert from 'node:assert/strict'
import { test } from 'node:test'
import { appendErasure } from '../src/erasure/erasures-file.ts'
import { dynamoPrints } from './cli.ts'
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
})
