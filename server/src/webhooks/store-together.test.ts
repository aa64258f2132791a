import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StoredCounts, StoredEvent } from './store-events.ts'
import { createStoreTogether } from './store-together.ts'

const event = (platformUserId: string): StoredEvent => ({
  orgId: 1,
  channelKey: 1,
  mediumId: 'FB_PAGE_1',
  platformUserId,
  kind: 'message',
  timestamp: 1,
  midHash: null,
  linkId: null,
})

test('what comes while one write runs goes together with the next, and fails with it alone', async () => {
  const writes: { people: string[]; end: PromiseWithResolvers<StoredCounts> }[] = []
  const stored: number[] = []
  const store = createStoreTogether(
    (events) => {
      const end = Promise.withResolvers<StoredCounts>()
      writes.push({ people: events.map((one) => one.platformUserId), end })
      return end.promise
    },
    ({ message }) => stored.push(message),
  )
  const counts = (message: number) => ({ message, referral: 0, repeated: 0, 'unknown channel': 0 })
  const turn = () => new Promise(setImmediate)

  const first = store([event('a')])
  await turn()
  const second = [store([event('b'), event('c')]), store([event('d')])]
  await turn()
  assert.deepEqual(
    writes.map(({ people }) => people),
    [['a']],
  )
  writes[0]?.end.resolve(counts(1))
  await first
  await turn()
  const third = store([event('e')])
  writes[1]?.end.reject(new Error('The disk is full'))
  for (const one of second) await assert.rejects(one, /The disk is full/)
  await turn()
  writes[2]?.end.resolve(counts(1))
  await third
  assert.deepEqual(
    writes.map(({ people }) => people),
    [['a'], ['b', 'c', 'd'], ['e']],
  )
  assert.deepEqual(stored, [1, 1])
})

/** A store that takes one write and does not end it. */
function stuckStore() {
  const writes: number[] = []
  const end = Promise.withResolvers<StoredCounts>()
  const store = createStoreTogether(
    (events) => {
      writes.push(events.length)
      return end.promise
    },
    () => undefined,
  )
  const some = (count: number) => store(Array.from({ length: count }, () => event('a')))
  const first = some(1)
  const ended = () => end.resolve({ message: 1, referral: 0, repeated: 0, 'unknown channel': 0 })
  return { some, writes, first, ended }
}

test('what waits goes in writes of a bounded size, in order', async () => {
  const { some, writes, first, ended } = stuckStore()
  const all = [first, ...[3_000, 2_000, 1, 9_000, 4_999, 2].map(some)]
  ended()
  await Promise.all(all)
  assert.deepEqual(writes, [1, 5_000, 1, 9_000, 4_999, 2])
})

test('more than can wait is refused at once with 503, and what waits for too long later', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { some, writes, first, ended } = stuckStore()
  const waits = some(99_999)
  assert.throws(() => some(2), { statusCode: 503 })
  const last = some(1)
  t.mock.timers.tick(5_000)
  for (const one of [waits, last]) await assert.rejects(one, { statusCode: 503 })
  const late = some(2)
  ended()
  await Promise.all([first, late])
  assert.deepEqual(writes, [1, 2])
})
