import { sql } from 'kysely'
import type { Logger } from 'pino'
import { counted } from '../counted.ts'
import { rowsTable } from '../database/rows.ts'
import type { Store } from '../database/store.ts'
import { readErasureChunks } from './erasures-file.ts'

/** Records a query; each is one look into two indexes. */
const CHUNK = 500

interface MissingOptions {
  /** left out: of all organizations */
  organizationId?: string
  /** stops it between two chunks */
  signal?: AbortSignal
}

/**
 * Looks for erasures in `erasures.ndjson` that the store has no receipt of: it was put back from a backup that is older,
 * and has those people again. Those of organizations that it does not have are none.
 *
 * @returns what is to be told an operator; null where there are none
 */
export async function describeMissingErasures(
  { db }: Pick<Store, 'db'>,
  dataDir: string,
  { organizationId, signal }: MissingOptions = {},
): Promise<string | null> {
  // one whose answer was asked for again stands there again
  const missing = new Set<string>()
  for await (const chunk of readErasureChunks(dataDir, CHUNK)) {
    signal?.throwIfAborted()
    const wanted = chunk
      .filter((record) => organizationId === undefined || record.organizationId === organizationId)
      .map((record) => ({ organization_id: record.organizationId, receipt_id: record.receiptId }))
    // read after the line: a receipt is there before it
    const { rows } = await sql<{ receipt_id: string }>`
      /* erasures.missing */
      select k.receipt_id
      from ${rowsTable(db, 'k', { organization_id: 'text', receipt_id: 'text' }, wanted)}
        join organizations o on o.organization_id = k.organization_id
        left join receipts r on r.org_id = o.org_id and r.receipt_id = k.receipt_id
      where r.receipt_id is null`.execute(db)
    for (const row of rows) missing.add(row.receipt_id)
  }
  if (missing.size === 0) return null
  const isOne = missing.size === 1
  return (
    `${counted(missing.size, 'erasure')} in erasures.ndjson ${isOne ? 'is' : 'are'} not in this store, which may have ` +
    `${isOne ? 'that person' : 'those people'} again: run \`npx dynamo erasure reapply\``
  )
}

/** For a server that starts: after a restore the step may have been forgotten that erases once more. */
export async function logMissingErasures(
  store: Pick<Store, 'db'>,
  dataDir: string,
  { log, signal }: { log: Logger; signal: AbortSignal },
): Promise<void> {
  try {
    const message = await describeMissingErasures(store, dataDir, { signal })
    if (message !== null) log.error({ message })
  } catch (error) {
    if (!signal.aborted) log.error({ message: 'erasures.ndjson could not be compared', error: String(error) })
  }
}
