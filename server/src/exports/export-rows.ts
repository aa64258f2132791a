import { sql } from 'kysely'
import { shareRules } from '../database/rules-lock.ts'
import type { Tx } from '../database/write.ts'
import { newFileName } from './file-name.ts'

/** For so long an export may be fetched. */
export const KEPT_MS = 3_600_000

/**
 * Registers an export before its list is read: whoever is erased from then on is in none that is stored.
 *
 * @param bucket where its file will be; null: on the server's own disk
 * @returns the name of its file
 */
export async function beginExport(
  tx: Tx,
  { orgId, extension, bucket = null }: { orgId: number; extension: string; bucket?: string | null },
): Promise<string> {
  await shareRules(tx, orgId)
  const fileName = newFileName(extension)
  await tx.db
    .insertInto('exports')
    .values({
      org_id: orgId,
      file_name: fileName,
      state: 'making',
      created_timestamp: tx.now,
      expires_timestamp: tx.now + KEPT_MS,
      bucket,
    })
    .execute()
  return fileName
}

/**
 * Says that an export's file is stored.
 *
 * @returns when it expires, epoch ms; null where somebody was erased meanwhile, who may be in it
 */
export async function finishExport(
  tx: Tx,
  { orgId, fileName }: { orgId: number; fileName: string },
): Promise<number | null> {
  await shareRules(tx, orgId)
  const expiresTimestamp = tx.now + KEPT_MS
  const { numUpdatedRows } = await tx.db
    .updateTable('exports')
    .set({ state: 'stored', expires_timestamp: expiresTimestamp })
    .where('org_id', '=', orgId)
    .where('file_name', '=', fileName)
    .where('state', '=', 'making')
    .executeTakeFirstOrThrow()
  return Number(numUpdatedRows) === 1 ? expiresTimestamp : null
}

/**
 * Nobody is to fetch these any more; their files are still to be deleted. One that is being made keeps its time: whoever
 * makes it may store its file yet, and be killed before it is taken away again.
 */
export async function endExports(tx: Tx, { orgId }: { orgId: number }): Promise<number> {
  const result = await sql`
    /* exports.end */
    update exports
    set state = 'ended', expires_timestamp = case when state = 'stored' then 0 else expires_timestamp end
    where org_id = ${orgId} and state <> 'ended'`.execute(tx.db)
  return Number(result.numAffectedRows ?? 0)
}

/** Forgets an export whose file is gone. */
export async function forgetExport(tx: Tx, { orgId, fileName }: { orgId: number; fileName: string }): Promise<void> {
  await tx.db.deleteFrom('exports').where('org_id', '=', orgId).where('file_name', '=', fileName).execute()
}
