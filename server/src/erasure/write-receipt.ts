import { sql } from 'kysely'
import type { Tx } from '../database/write.ts'

/** What tells of an erasure; none of it is personal data. */
export interface Erasure {
  receiptId: string
  userHash: string
  /** epoch ms: facts of a user that are dated before it are dropped from then on */
  erasedTimestamp: number
}

/** How many rows of what; nothing where nobody was there. */
export type Counts = Record<string, number>

export async function writeReceipt(tx: Tx, orgId: number, erasure: Erasure, erased: Counts): Promise<void> {
  const { receiptId, userHash, erasedTimestamp } = erasure
  await sql`
    /* erased-users.write */
    insert into erased_users as e (org_id, user_hash, erased_timestamp)
    values (${orgId}, ${userHash}, ${erasedTimestamp})
    on conflict (org_id, user_hash) do update set erased_timestamp = excluded.erased_timestamp
    where excluded.erased_timestamp > e.erased_timestamp`.execute(tx.db)
  await tx.db
    .insertInto('receipts')
    .values({
      org_id: orgId,
      receipt_id: receiptId,
      erased_timestamp: erasedTimestamp,
      erased: JSON.stringify(erased),
      compacted_timestamp: null,
    })
    .execute()
}
