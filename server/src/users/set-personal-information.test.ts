import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordVips } from '../../test/lists.ts'
import { makeOrganization } from '../../test/organization.ts'
import { eachStore } from '../../test/stores.ts'
import { verifyStore } from '../vip-users/verify.ts'
import type { Field } from './resolve.ts'

eachStore((get) => {
  async function makeUser() {
    const { store } = get()
    const { orgId, workspaceId, channels } = await makeOrganization(store, { vipIndicator: 'ltv >= 0' })
    const mediumId = channels[0]?.mediumId ?? ''
    await recordVips(store, { orgId, mediumId, count: 1 })
    await store.write('recordUsers', {
      orgId,
      users: [
        {
          cuid: 'u0',
          properties: [
            { key: 'birthday', value: '1990-05-12' },
            { key: 'first_name', value: 'Jo' },
          ],
          lastAppOpenTimestamp: null,
          eventTimestamp: Date.now(),
        },
      ],
    })
    return {
      orgId,
      set: (field: Field, value: string | null, author = 'alice') =>
        store.write('setPersonalInformation', { orgId, cuid: 'u0', author, claims: [{ field, value }] }),
      async listed(months: number | null) {
        const page = await store.readList({ orgId, workspaceId, mediumId, months, limit: 1, offset: 0 })
        assert(typeof page === 'object')
        return page.items.length === 0 ? null : (JSON.parse(String(page.items)) as Record<Field, string | null>)
      },
    }
  }

  test('what an operator enters comes before what is reported, can be corrected, and shows in the list at once', async () => {
    const { orgId, set, listed } = await makeUser()
    assert.deepEqual(await set('birthday', '1991-06-01'), { firstName: 'Jo', lastName: null, birthday: '1991-06-01' })
    assert.equal((await listed(6))?.birthday, '1991-06-01')
    await set('birthday', '--07-02', 'bob')
    assert.equal(await listed(5), null)
    assert.equal(await listed(6), null)
    assert.equal((await listed(7))?.birthday, '--07-02')
    await set('lastName', 'Falk')
    assert.equal((await listed(null))?.lastName, 'Falk')
    assert.deepEqual(await verifyStore(get().store, { orgId }), [])
  })

  test('what an operator takes back no longer counts, and stays known with who did it and when', async () => {
    const { store } = get()
    const { orgId, set, listed } = await makeUser()
    await set('firstName', 'Johanna')
    const before = Date.now()
    assert.equal((await set('firstName', null, 'bob'))?.firstName, 'Jo')
    assert.equal((await listed(null))?.firstName, 'Jo')
    const row = await store.db
      .selectFrom('personal_information as i')
      .select(['i.source', 'i.value', 'i.author', 'i.event_timestamp', 'i.arrived_timestamp'])
      .where('i.org_id', '=', orgId)
      .executeTakeFirstOrThrow()
    assert.deepEqual([row.source, row.value, row.author], ['operator', null, 'bob'])
    assert(row.event_timestamp >= before && row.arrived_timestamp >= before)
    assert.deepEqual(await verifyStore(store, { orgId }), [])
  })

  test('an operator who mistypes an id makes no user', async () => {
    const { store } = get()
    const { orgId } = await makeUser()
    const claims = [{ field: 'birthday', value: '1990-01-01' } as const]
    assert.equal(await store.write('setPersonalInformation', { orgId, cuid: 'u00', author: 'alice', claims }), null)
    const users = await store.db.selectFrom('users as u').select('u.cuid').where('u.org_id', '=', orgId).execute()
    assert.deepEqual(
      users.map((user) => user.cuid),
      ['u0'],
    )
  })
})
