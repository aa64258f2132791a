import { randomUUID } from 'node:crypto'
import { openFrom } from './bench-stores.ts'
import { cuidOf, type MadeList } from './made-list.ts'

// A process that reports purchases of random users of a list until it is disconnected. Run with the list as JSON, and
// with the environment that names the store.

export const BATCHES_PER_SECOND = 20
export const PURCHASES_PER_BATCH = 250
/** More than wait here are not sent: a store that takes less than is offered must not be buried. */
const MAX_WAITING = 8

if (import.meta.main) {
  const list: MadeList = JSON.parse(process.argv[2] ?? '')
  const { store } = await openFrom(process.env as Record<string, string>)
  const write = () => store.write('recordPurchases', { orgId: list.orgId, purchases: makeBatch(list.rows) })
  // with the first write the store's writer starts
  await write()
  let written = 0
  let waiting = 0
  setInterval(async () => {
    if (waiting === MAX_WAITING) return
    waiting += 1
    await write()
    waiting -= 1
    written += 1
  }, 1000 / BATCHES_PER_SECOND)
  process.on('message', () => process.send?.({ written }))
  process.on('disconnect', () => process.exit())
  process.send?.({ written })
}

function makeBatch(users: number) {
  return Array.from({ length: PURCHASES_PER_BATCH }, () => ({
    purchaseId: randomUUID(),
    cuid: cuidOf(Math.floor(Math.random() * users)),
    revenueMicros: BigInt(1 + Math.floor(Math.random() * 10_000)) * 10_000n,
    timestamp: Date.now(),
  }))
}
