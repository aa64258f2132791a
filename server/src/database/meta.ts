import type { Kysely } from 'kysely'
import type { Schema } from './schema.ts'
import type { Tx } from './write.ts'

/** What the store says of itself: schema version, id, the master key's fingerprint. */
export async function readMeta(db: Kysely<Schema>, name: string): Promise<string | null> {
  const row = await db.selectFrom('store_meta as m').select('m.value').where('m.name', '=', name).executeTakeFirst()
  return row?.value ?? null
}

export async function writeMeta(tx: Kysely<Schema>, name: string, value: string): Promise<void> {
  await tx
    .insertInto('store_meta')
    .values({ name, value })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
    .execute()
}

/**
 * Gives the store another id. A store that was put back from a backup has versions of its lists that came before with
 * other contents: under another id no client takes its copy for the list.
 */
export async function renewStoreId(tx: Tx, { id }: { id: string }): Promise<void> {
  await writeMeta(tx.db, 'store_id', id)
}
