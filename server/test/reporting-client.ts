import assert from 'node:assert/strict'
import type { Store } from '../src/database/store.ts'
import { postSigned } from './cli.ts'
import type { Credentials } from './signed.ts'

/** A game's back end, which sends one batch after the other, and one again until it is acknowledged. */
export interface ReportingClient {
  /** sends batches until `signal` is aborted or the server is gone; `onAcknowledged` hears of each */
  send: (url: string, key: Credentials, signal: AbortSignal, onAcknowledged: () => void) => Promise<void>
  /** how many batches have been acknowledged */
  acknowledged: () => number
  /** that all of what was acknowledged is in the store, and the batch that was not as a whole or not at all */
  check: (store: Store, orgId: number) => Promise<void>
  /** that the store is one of a moment after so many batches were acknowledged: no later one is there in part */
  checkSince: (store: Store, orgId: number, acknowledged: number) => Promise<void>
}

/** Of all clients, so that their batches wait for each other. */
export const SHARED_USERS = 40
const ITEMS = 20

/** @param name  of its purchases and of the property that it sets */
export function createReportingClient(name: string): ReportingClient {
  /** the number of the batch that is sent next, or has been sent and not acknowledged; those that are even are purchases */
  let next = 0

  function post(url: string, key: Credentials): Promise<Response> {
    const path = next % 2 === 0 ? 'purchase' : 'properties'
    const batch = Array.from({ length: ITEMS }, (_, item) => {
      if (path === 'properties') return { userId: `u${item}`, properties: [{ key: name, value: next }] }
      return { userId: `u${(next * 7 + item) % SHARED_USERS}`, revenue: 1, purchaseId: `${name}-${next}-${item}` }
    })
    return postSigned(`${url}/v1.0/user/${path}`, key, { batch })
  }

  /** Purchases stay: each batch that was acknowledged is there, and no other in part. */
  function checkPurchases(stored: string[]): void {
    const counts = new Map<number, number>()
    for (const purchaseId of stored) {
      const batch = Number(purchaseId.split('-')[1])
      counts.set(batch, (counts.get(batch) ?? 0) + 1)
    }
    for (let batch = 0; batch <= next; batch += 2) {
      const count = counts.get(batch) ?? 0
      assert.ok(count === ITEMS || (batch === next && count === 0), `${count} purchases of ${name}'s batch ${batch}`)
      counts.delete(batch)
    }
    assert.deepEqual([...counts], [])
  }

  /** Of a property the newest value stays: all that a batch wrote bears its number. */
  function checkProperties(stored: number[]): void {
    const values = [...new Set(stored)]
    const acknowledged = next - (next % 2 === 0 ? 1 : 2)
    if (values.length === 0 && acknowledged < 0) return
    assert.deepEqual([stored.length, values.length], [ITEMS, 1], `${name}: ${values}`)
    const isUnderWay = next % 2 === 1 && values[0] === next
    assert.ok(isUnderWay || values[0] === acknowledged, `${name}: ${values}, not ${acknowledged}`)
  }

  return {
    acknowledged: () => next,
    async send(url, key, signal, onAcknowledged) {
      while (!signal.aborted) {
        const answer = await post(url, key).catch(() => null)
        if (answer === null) return
        assert.equal(answer.status, 200, await answer.text())
        next += 1
        onAcknowledged()
      }
    },
    async checkSince(store, orgId, acknowledged) {
      const stored = await readPurchases(store, orgId, name)
      const batches = Map.groupBy(stored, (purchaseId) => Number(purchaseId.split('-')[1]))
      const last = Math.max(...batches.keys(), acknowledged - 1)
      for (let batch = 0; batch <= last; batch += 2) assert.equal(batches.get(batch)?.length, ITEMS, `${name} ${batch}`)
      const values = new Set(await readProperties(store, orgId, name))
      assert.equal(values.size, 1)
      assert.ok(Math.max(...values) >= acknowledged - 2)
    },
    async check(store, orgId) {
      checkPurchases(await readPurchases(store, orgId, name))
      checkProperties(await readProperties(store, orgId, name))
    },
  }
}

async function readPurchases({ db }: Store, orgId: number, name: string): Promise<string[]> {
  const rows = await db
    .selectFrom('purchases as p')
    .select('p.purchase_id')
    .where('p.org_id', '=', orgId)
    .where('p.purchase_id', 'like', `${name}-%`)
    .execute()
  return rows.map((row) => row.purchase_id)
}

async function readProperties({ db }: Store, orgId: number, name: string): Promise<number[]> {
  const rows = await db
    .selectFrom('properties as p')
    .select('p.value')
    .where('p.org_id', '=', orgId)
    .where('p.key', '=', name)
    .execute()
  return rows.map((row) => Number(row.value))
}
