import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeOrganization } from '../../test/organization.ts'
import { eachStore } from '../../test/stores.ts'
import { KEPT_MS } from './idempotent.ts'

eachStore((get) => {
  test('expired answers are deleted some hundreds at a time, the oldest first, and others stay', async () => {
    const { store, execute } = get()
    const { orgId } = await makeOrganization(store)
    const expiredTimestamp = Date.now() - KEPT_MS
    const rows = Array.from({ length: 1_100 }, (_, n) => `(${orgId}, 'POST /', '${n}', 'b', ${expiredTimestamp - n})`)
    rows.push(`(${orgId}, 'POST /', 'young', 'b', ${expiredTimestamp + 60_000})`)
    await execute(`insert into idempotent_answers (org_id, route, key_hash, body_hash, created_timestamp)
      values ${rows.join(', ')}`)
    const left = async () =>
      (
        await store.db
          .selectFrom('idempotent_answers as a')
          .select('a.key_hash')
          .where('a.org_id', '=', orgId)
          .execute()
      ).length
    for (const [more, kept] of [
      [true, 601],
      [true, 101],
      [false, 1],
    ]) {
      assert.equal(await store.write('forgetAnswers', { orgId }), more)
      assert.equal(await left(), kept)
    }
  })
})
