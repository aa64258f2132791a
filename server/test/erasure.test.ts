import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Store } from '../src/database/store.ts'
import { whenFree } from '../src/database/when-free.ts'
import { compactStore } from '../src/erasure/compact-store.ts'
import { makeLists } from '../src/vip-users/make-lists.ts'
import { verifyStore } from '../src/vip-users/verify.ts'
import { dumpStore, readStoreFiles } from './dump-store.ts'
import { makeOrganization, type TestOrganization } from './organization.ts'
import { eachStore } from './stores.ts'

const PEOPLE = 2_000
const CHUNK = 500
const READ_MS = 100
const TIMESTAMP = 1_770_000_000_000
const ERASED_TIMESTAMP = TIMESTAMP + 1_000_000

/** What is in everything that is reported of a person, and in nothing else: `~` is in no hash. */
const tokenOf = (n: number) => `q${n}~z`
/** Every seventh is erased; among them who leads the list, and who begins ranges. */
const isErased = (n: number) => n % 7 === 0
const ALL = Array.from({ length: PEOPLE }, (_, n) => n)

const STAY = ALL.filter((n) => !isErased(n))

/** Whose name, id or purchase is somewhere in there. */
function peopleIn(text: string): number[] {
  return [...new Set(text.match(/q\d+~z/g))]
    .map((token) => Number(token.slice(1, -2)))
    .sort((one, other) => one - other)
}

async function inChunks(write: (numbers: number[]) => Promise<unknown>): Promise<void> {
  for (let start = 0; start < PEOPLE; start += CHUNK) await write(ALL.slice(start, start + CHUNK))
}

/** Each round gives everybody other names and moves them elsewhere in the lists. */
async function report(store: Store, { orgId, channels }: TestOrganization, round: number): Promise<void> {
  const eventTimestamp = TIMESTAMP + round
  await inChunks((numbers) =>
    store.write('recordConversations', {
      orgId,
      conversations: numbers.map((n) => ({
        conversationId: `c-${tokenOf(n)}`,
        mediumId: channels[n % channels.length]?.mediumId ?? '',
        platformUserId: `p-${tokenOf(n)}`,
        userName: `handle-${round}-${tokenOf(n)}`,
        firstName: `First${round}${tokenOf(n)}`,
        lastName: `Last${round}${tokenOf(n)}`,
        profilePic: `https://example.com/${tokenOf(n)}/${round}.jpg`,
        lastUserMessageTimestamp: eventTimestamp,
        cuid: `u-${tokenOf(n)}`,
        eventTimestamp,
      })),
    }),
  )
  await inChunks((numbers) =>
    store.write('recordPurchases', {
      orgId,
      purchases: numbers.map((n) => ({
        purchaseId: `order-${round}-${tokenOf(n)}`,
        cuid: `u-${tokenOf(n)}`,
        revenueMicros: BigInt(1 + ((n * 7919 * (round + 1)) % 500)) * 1_000_000n,
        timestamp: eventTimestamp,
      })),
    }),
  )
  await inChunks((numbers) =>
    store.write('recordUsers', {
      orgId,
      users: numbers.map((n) => ({
        cuid: `u-${tokenOf(n)}`,
        properties: [
          { key: 'firstName', value: `Own${round}${tokenOf(n)}` },
          { key: 'birthday', value: `19${60 + round}-0${1 + (n % 9)}-11` },
        ],
        lastAppOpenTimestamp: eventTimestamp,
        eventTimestamp,
      })),
    }),
  )
}

/** At every moment a transaction is open that began a moment before: none is, and none was, open all the time. */
function readAlways({ snapshot }: Store): { stop: () => Promise<unknown> } {
  let isStopped = false
  const readers = [0, 1].map(async (reader) => {
    await pause(reader * READ_MS)
    while (!isStopped) {
      await snapshot(async (db) => {
        await db.selectFrom('receipts as r').select('r.receipt_id').limit(1).execute()
        await pause(2 * READ_MS)
      })
    }
  })
  return {
    stop: () => {
      isStopped = true
      return Promise.all(readers)
    },
  }
}

eachStore(
  (get) => {
    test('of hundreds who are erased among thousands who move, nothing is left to ask for, and once compacted nothing at all', async () => {
      const { store, env } = get()
      const organization = await makeOrganization(store, { vipIndicator: 'ltv >= 100', channels: 2 })
      const { orgId, workspaceKey } = organization
      await report(store, organization, 0)
      await report(store, organization, 1)
      // a generation that is being made, and one that is left over
      await store.write('setVipIndicator', { orgId, workspaceKey, vipIndicator: 'ltv >= 50' })
      for (const n of ALL.filter(isErased)) {
        await store.write('eraseUser', { orgId, cuid: `u-${tokenOf(n)}`, erasedTimestamp: ERASED_TIMESTAMP })
        if (n % 5 === 0) await store.write('buildChunk', { orgId, workspaceKey, size: 50 })
      }

      assert.deepEqual(peopleIn(await dumpStore(env)), STAY)
      assert.deepEqual(await verifyStore(store, { orgId }), [])
      await makeLists(store, { orgId, workspaceKey })
      assert.deepEqual(await verifyStore(store, { orgId }), [])

      // their names are still in pages that nobody reads, until those are overwritten
      const erased = ALL.filter(isErased)
      assert.notDeepEqual(peopleIn(await readStoreFiles(env)), STAY)
      const readers = readAlways(store)
      assert.equal(await whenFree(() => compactStore(store, 'erased')), erased.length)
      await readers.stop()
      assert.deepEqual(peopleIn(await readStoreFiles(env)), STAY)
      assert.deepEqual(await verifyStore(store, { orgId }), [])
      const receipts = await store.db.selectFrom('receipts as r').selectAll().where('r.org_id', '=', orgId).execute()
      assert.equal(receipts.filter((receipt) => receipt.compacted_timestamp !== null).length, erased.length)
      assert.equal(await compactStore(store, 'erased'), 0)
    })
  },
  { rangeRows: 20 },
)
