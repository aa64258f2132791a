import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordVips } from '../../test/lists.ts'
import { makeOrganization } from '../../test/organization.ts'
import { eachStore } from '../../test/stores.ts'
import { verifyStore } from './verify.ts'

const USERS = 60
const ROUNDS = 40
const WRITERS = 6

eachStore(
  (get) => {
    test('while rows move each page agrees with its own total and order', async () => {
      const { store, openAnother } = get()
      const reader = await openAnother()
      const { orgId, workspaceId, channels } = await makeOrganization(store, { vipIndicator: 'ltv >= 30' })
      const mediumId = channels[0]?.mediumId ?? ''
      await recordVips(store, { orgId, mediumId, count: USERS })
      const writing = moveRows(store, orgId)
      let pages = 0
      let isWriting = true
      writing.finally(() => {
        isWriting = false
      })
      const totals = new Set<number>()
      while (isWriting) {
        const offset = pages % 40
        const page = await reader.readList({ orgId, workspaceId, mediumId, months: null, limit: 7, offset })
        assert(typeof page !== 'string', String(page))
        const rows = JSON.parse(`[${page.items}]`) as { conversationId: string }[]
        assert.equal(rows.length, page.returned)
        assert.equal(page.returned, Math.max(0, Math.min(7, page.total - offset)))
        assert.equal(new Set(rows.map((row) => row.conversationId)).size, rows.length)
        totals.add(page.total)
        pages += 1
        await new Promise(setImmediate)
      }
      await writing
      assert(totals.size > 3, `the list had only ${totals.size} sizes in ${pages} pages`)
      assert.deepEqual(await verifyStore(store, { orgId }), [])
    })

    test('writers of different users move rows of one list at once, and no range loses count', async () => {
      const { store, openAnother } = get()
      const servers = [store, await openAnother()]
      const { orgId, channels } = await makeOrganization(store, { vipIndicator: 'ltv >= 30' })
      await recordVips(store, { orgId, mediumId: channels[0]?.mediumId ?? '', count: USERS })
      const writers = Array.from({ length: WRITERS }, async (_, writer) => {
        for (let round = 0; round < ROUNDS; round++) {
          const users = Array.from({ length: USERS / WRITERS }, (_, n) => n * WRITERS + writer)
          const purchases = users.map((user) => ({
            purchaseId: `own-${user}-${round}`,
            cuid: `u${user}`,
            revenueMicros: BigInt(((round * 3 + user) % 7) - 3) * 10_000_000n,
            timestamp: 1_780_000_000_000 + round,
          }))
          await (servers[writer % 2] ?? store).write('recordPurchases', { orgId, purchases })
        }
      })
      await Promise.all(writers)
      assert.deepEqual(await verifyStore(store, { orgId }), [])
    })
  },
  { rangeRows: 4 },
)

/** Lifts users over the line and lets them fall again, a few in each write. */
async function moveRows(store: ReturnType<Parameters<Parameters<typeof eachStore>[0]>[0]>['store'], orgId: number) {
  for (let round = 0; round < ROUNDS; round++) {
    const purchases = Array.from({ length: 5 }, (_, n) => ({
      purchaseId: `move-${round}-${n}`,
      cuid: `u${(round * 7 + n * 11) % USERS}`,
      revenueMicros: BigInt(((round + n) % 5) - 2) * 20_000_000n,
      timestamp: 1_780_000_000_000 + round,
    }))
    await store.write('recordPurchases', { orgId, purchases })
  }
}
