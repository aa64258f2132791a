import { type Kysely, sql } from 'kysely'
import { updateEach } from '../database/rows.ts'
import type { Schema } from '../database/schema.ts'
import type { Store } from '../database/store.ts'
import type { Tx } from '../database/write.ts'

/**
 * Overwrites what erased rows have left in the store's pages, and says so on their receipts. One process does it at a
 * time.
 *
 * @param only `erased`: only where something was erased since the last time
 * @returns how many receipts tell of it
 * @throws ApiError 503 where who reads or writes for long did not let it
 */
export async function compactStore(store: Store, only: 'always' | 'erased'): Promise<number> {
  return await store.alone(async () => {
    // an erasure that comes meanwhile has to wait for the next time
    const receipts = await readUncompacted(store.db)
    if (only === 'erased' && receipts.length === 0) return 0
    await store.compact()
    const byOrganization = Map.groupBy(receipts, (receipt) => receipt.org_id)
    for (const [orgId, own] of byOrganization) {
      await store.write('markCompacted', { orgId, receiptIds: own.map((receipt) => receipt.receipt_id) })
    }
    return receipts.length
  })
}

async function readUncompacted(db: Kysely<Schema>) {
  return await db
    .selectFrom('receipts as r')
    .select(['r.org_id', 'r.receipt_id'])
    .where('r.compacted_timestamp', 'is', null)
    .execute()
}

export async function markCompacted(
  tx: Tx,
  { orgId, receiptIds }: { orgId: number; receiptIds: string[] },
): Promise<void> {
  const ids = receiptIds.map((receipt_id) => ({ receipt_id }))
  await updateEach(tx.db, 'receipts.compacted', { receipt_id: 'text' }, ids, {
    table: 'receipts as r',
    set: () => sql`compacted_timestamp = ${tx.now}`,
    on: (k) => sql`r.org_id = ${orgId} and r.receipt_id = ${k('receipt_id')}`,
  })
}
