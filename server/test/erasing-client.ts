import assert from 'node:assert/strict'
import type { Store } from '../src/database/store.ts'
import { readErasuresFile } from '../src/erasure/erasures-file.ts'
import { postSigned } from './cli.ts'
import type { ReportingClient } from './reporting-client.ts'

/**
 * A back end that reports one user after the other and has each erased at once: what an erasure leaves is in two places,
 * the store and a file.
 *
 * @param name  what its users' ids begin with
 */
export function createErasingClient(name: string, dataDir: string): Omit<ReportingClient, 'checkSince'> {
  /** the number of the user that is reported and erased next */
  let next = 0
  const receipts: string[] = []

  return {
    acknowledged: () => 2 * receipts.length,
    async send(url, key, signal, onAcknowledged) {
      const post = (operation: string, body: object) =>
        postSigned(`${url}/v1.0/user/${operation}`, key, body).catch(() => null)
      while (!signal.aborted) {
        const userId = `${name}-${next}`
        const reported = await post('properties', { userId, properties: [{ key: 'tier', value: 'gold' }] })
        if (reported === null) return
        assert.equal(reported.status, 200, await reported.text())
        onAcknowledged()
        const erased = await post('deleteUserData', { userId })
        if (erased === null) return
        assert.equal(erased.status, 200, await erased.text())
        receipts.push(erased.headers.get('x-erasure-receipt') ?? '')
        next += 1
      }
    },
    async check({ db }: Store, orgId) {
      const left = await db
        .selectFrom('users as u')
        .select('u.cuid')
        .where('u.org_id', '=', orgId)
        .where('u.cuid', 'like', `${name}-%`)
        .execute()
      assert.deepEqual(
        left.map((user) => user.cuid).filter((cuid) => cuid !== `${name}-${next}`),
        [],
      )
      const kept = await db.selectFrom('receipts as r').select('r.receipt_id').where('r.org_id', '=', orgId).execute()
      const inStore = new Set(kept.map((receipt) => receipt.receipt_id))
      const inFile = new Set((await readErasuresFile(dataDir)).records.map((record) => record.receiptId))
      assert.deepEqual(
        receipts.filter((receipt) => !inStore.has(receipt) || !inFile.has(receipt)),
        [],
      )
    },
  }
}
