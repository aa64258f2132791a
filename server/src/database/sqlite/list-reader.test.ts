import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
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

  if (process.platform === 'linux') {
    test('what was read of the file is mapped for five seconds', async (t) => {
      const { store, env, execute } = get()
      const { orgId, workspaceId, channels } = await makeOrganization(store, { vipIndicator: 'ltv >= 0' })
      const mediumId = channels[0]?.mediumId ?? ''
      await recordVips(store, { orgId, mediumId, count: 3_000 })
      // what is in the log is not read from the file
      await execute('pragma wal_checkpoint(truncate)')
      const clock = t.mock.method(performance, 'now', () => 0)
      const question = { orgId, workspaceId, mediumId, months: null, limit: 1, offset: 0 }
      const read = async (limit: number, atMs: number) => {
        clock.mock.mockImplementation(() => atMs)
        const page = (await store.readList({ ...question, limit })) as ListPage
        assert.equal(page.returned, limit)
        return mappedKiB(join(env.DYNAMO_DATA_DIR ?? '', 'dynamo.sqlite'))
      }
      clock.mock.mockImplementation(() => 0)
      const few = await read(1, 10_000)
      const all = await read(3_000, 10_001)
      assert(few < all)
      assert((await read(2, 15_000)) >= all)
      assert((await read(3, 15_001)) < all)
    })
  }
})

/** How much of a file the system counts to this process. */
function mappedKiB(path: string): number {
  const smaps = readFileSync('/proc/self/smaps', 'utf8')
  const mappings = smaps.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m).filter((mapping) => mapping.split('\n')[0]?.endsWith(path))
  return mappings.reduce((sum, mapping) => sum + Number(/^Rss:\s+(\d+) kB/m.exec(mapping)?.[1]), 0)
}
