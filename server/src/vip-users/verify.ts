import type { Kysely } from 'kysely'
import { readMeta } from '../database/meta.ts'
import { describeSchema } from '../database/migrate.ts'
import type { Schema } from '../database/schema.ts'
import type { Store } from '../database/store.ts'
import { readingTx } from '../database/write.ts'
import { readTargets } from './targets.ts'
import { verifyRanges } from './verify-ranges.ts'
import { verifyStrays } from './verify-strays.ts'
import { verifyUsers } from './verify-users.ts'

/** A place where what is stored is not what the facts say. */
export interface Difference {
  where: string
  message: string
}

export interface VerifyOptions {
  /** only this organization; its `org_id` */
  orgId?: number
  /** after each chunk: how many users have been looked at */
  onProgress?: (users: number) => void
}

/**
 * Derives everything anew from the facts, and reports each place where the store says something else: sums,
 * personal information, VIP marks and those that have long been due, list rows and their text, order, counted ranges,
 * what belongs to nobody, and the schema itself.
 * Reads one snapshot, in chunks, while servers go on.
 */
export async function verifyStore(store: Store, options: VerifyOptions = {}): Promise<Difference[]> {
  return await store.snapshot(async (db) => {
    const differences = await verifySchema(db)
    for (const orgId of await readOrganizations(db, options.orgId)) {
      const tx = readingTx(db, Date.now())
      const targets = await readTargets(tx, orgId)
      const counts = await verifyUsers(tx, orgId, targets, differences, options.onProgress)
      await verifyStrays(tx, orgId, differences)
      await verifyRanges(db, orgId, targets, counts, differences)
    }
    return differences
  })
}

async function readOrganizations(db: Kysely<Schema>, orgId: number | undefined): Promise<number[]> {
  if (orgId !== undefined) return [orgId]
  const rows = await db.selectFrom('organizations as o').select('o.org_id').orderBy('o.org_id').execute()
  return rows.map((row) => row.org_id)
}

async function verifySchema(db: Kysely<Schema>): Promise<Difference[]> {
  const recorded = new Set(((await readMeta(db, 'schema')) ?? '').split('\n'))
  const live = new Set(await describeSchema(db))
  return [
    ...[...recorded.difference(live)].map((line) => ({ where: 'schema', message: `missing: ${line}` })),
    ...[...live.difference(recorded)].map((line) => ({ where: 'schema', message: `not ours: ${line}` })),
  ]
}
