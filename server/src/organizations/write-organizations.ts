import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { readMeta, writeMeta } from '../database/meta.ts'
import { newKey } from '../database/rows.ts'
import type { Tx } from '../database/write.ts'

/** An id that the world sees: 24 hex digits, 96 random bits. */
export const newId = () => randomBytes(12).toString('hex')

/** @returns the organization's `orgId` in the store and the id that the world sees */
export async function createOrganization(
  tx: Tx,
  { name }: { name: string },
): Promise<{ orgId: number; organizationId: string }> {
  const organizationId = newId()
  const { rows } = await sql<{ org_id: number }>`
    insert into organizations (org_id, organization_id, name, active, created_timestamp)
    select ${newKey(tx.db, 'organizations', 'org_id')}, ${organizationId}, ${name}, 1, ${tx.now}
    returning org_id`.execute(tx.db)
  return { orgId: rows[0]?.org_id ?? 0, organizationId }
}

export async function setOrganizationActive(
  tx: Tx,
  { orgId, active }: { orgId: number; active: boolean },
): Promise<void> {
  await tx.db
    .updateTable('organizations')
    .set({ active: active ? 1 : 0 })
    .where('org_id', '=', orgId)
    .execute()
}

export interface NewApiKey {
  orgId: number
  apiKey: string
  /** encrypted for this key's row */
  secretCiphertext: string
  label: string | null
  /** `read`, `report`, `erase` or `all`; several joined by `+` */
  scope: string
}

export async function createApiKey(tx: Tx, key: NewApiKey): Promise<void> {
  await tx.db
    .insertInto('api_keys')
    .values({
      org_id: key.orgId,
      api_key: key.apiKey,
      secret_ciphertext: key.secretCiphertext,
      label: key.label,
      scope: key.scope,
      created_timestamp: tx.now,
      revoked_timestamp: null,
    })
    .execute()
}

/** @returns whether there is such a key; one that is revoked already stays as it is */
export async function revokeApiKey(tx: Tx, { apiKey }: { apiKey: string }): Promise<boolean> {
  const { rows } = await sql`
    update api_keys set revoked_timestamp = coalesce(revoked_timestamp, ${tx.now})
    where api_key = ${apiKey} returning api_key`.execute(tx.db)
  return rows.length > 0
}

/** Keeps the fingerprint of the first master key that the store was used with. @returns the one that is kept */
export async function rememberMasterKey(tx: Tx, { fingerprint }: { fingerprint: string }): Promise<string> {
  const known = await readMeta(tx.db, 'master_key_fingerprint')
  if (known === null) await writeMeta(tx.db, 'master_key_fingerprint', fingerprint)
  return known ?? fingerprint
}
