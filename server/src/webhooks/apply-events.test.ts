import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeOrganization } from '../../test/organization.ts'
import { eachStore } from '../../test/stores.ts'

const ERASED = 1_770_000_000_000

eachStore((get) => {
  test('a link that is older than the erasure of its user stays theirs while nobody can be tied to it', async () => {
    const { store } = get()
    const { orgId, channels } = await makeOrganization(store)
    const { channelKey = 0, mediumId = '' } = channels[0] ?? {}
    await store.write('eraseUser', { orgId, cuid: 'una', erasedTimestamp: ERASED })
    const linkId = await store.write('createUserLink', { orgId, cuid: 'una', eventTimestamp: ERASED - 1 })
    const readLink = () =>
      store.db
        .selectFrom('links as l')
        .selectAll()
        .where('l.org_id', '=', orgId)
        .where('l.link_id', '=', linkId)
        .execute()
    const made = await readLink()
    assert.notEqual(made[0]?.user_key, null)
    const event = { orgId, channelKey, mediumId, platformUserId: 'p1', timestamp: ERASED + 1, midHash: null }
    await store.write('storeEvents', { events: [{ ...event, kind: 'referral', linkId }] })
    assert.equal((await store.write('applyEvents', { orgId, limit: 500 })).events, 1)
    assert.deepEqual(await readLink(), made)
  })
})
