import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordVips } from '../../../test/lists.ts'
import { makeOrganization } from '../../../test/organization.ts'
import { onStore } from '../../../test/stores.ts'
import type { ListPage } from '../list-reader.ts'

const USERS = 15_000
/** One in so many has a birthday. */
const APART = 500

onStore('SQLite', (get) => {
  test('ranks of matches that lie far apart are read in turns, also while the list moves on', async () => {
    const { store } = get()
    const { orgId, workspaceId, channels } = await makeOrganization(store, { vipIndicator: 'ltv >= 0' })
    const mediumId = channels[0]?.mediumId ?? ''
    await recordVips(store, { orgId, mediumId, count: USERS })
    const born = Array.from({ length: USERS / APART }, (_, n) => `u${n * APART}`)
    await store.write('recordUsers', {
      orgId,
      users: born.map((cuid) => ({
        cuid,
        properties: [{ key: 'birthday', value: '1990-05-31' }],
        lastAppOpenTimestamp: null,
        eventTimestamp: 1_770_000_000_000,
      })),
    })
    const question = { orgId, workspaceId, mediumId, months: 5, limit: 100, offset: 0, withRanks: true }
    const read = async () => (await store.readList(question)) as ListPage

    const reading = store.readList(question)
    assert(reading instanceof Promise)
    // the first of the list from now on: everybody else stands one further down
    const purchase = { purchaseId: 'late', cuid: 'u1', revenueMicros: 10n ** 12n, timestamp: 1_780_000_000_000 }
    const writing = store.write('recordPurchases', { orgId, purchases: [purchase] })
    const early = (await reading) as ListPage
    await writing
    // the greater the number, the greater the LTV
    const ranks = born.map((_, n) => USERS - n * APART).reverse()
    const moved = ranks.map((rank) => (rank === USERS ? rank : rank + 1))
    const late = await read()
    assert.deepEqual(late.ranks, moved)
    assert.deepEqual(early.ranks, early.version === late.version ? moved : ranks)
    // what was read once is known
    assert(!(store.readList({ ...question, limit: 99 }) instanceof Promise))
  })
})
