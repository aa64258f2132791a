import { findOrganization } from './find.ts'
import { answer, type CommonOptions } from './output.ts'
import { withStore } from './with-store.ts'

/** What was erased of an organization, oldest first; nothing in it tells of whom. */
export async function run(options: CommonOptions & { organization: string }): Promise<void> {
  await withStore(async (store) => {
    const { orgId } = await findOrganization(store, options.organization)
    const rows = await store.db
      .selectFrom('receipts as r')
      .select(['r.receipt_id', 'r.erased_timestamp', 'r.erased', 'r.compacted_timestamp'])
      .where('r.org_id', '=', orgId)
      .orderBy('r.erased_timestamp')
      .orderBy('r.receipt_id')
      .execute()
    const receipts = rows.map((row) => ({
      receiptId: row.receipt_id,
      erasedTimestamp: row.erased_timestamp,
      erased: JSON.parse(row.erased) as Record<string, number>,
      compactedTimestamp: row.compacted_timestamp,
    }))
    const lines = receipts.map(({ receiptId, erasedTimestamp, erased, compactedTimestamp }) => {
      const counts = Object.entries(erased).flatMap(([what, rows]) => (rows > 0 ? `${what} ${rows}` : []))
      return [
        receiptId,
        new Date(erasedTimestamp).toISOString(),
        compactedTimestamp === null ? 'not compacted' : 'compacted',
        counts.join(', ') || 'nothing was known',
      ].join('  ')
    })
    answer(options, lines.length === 0 ? 'Nobody was erased' : lines.join('\n'), { receipts })
  })
}
