import { findOrganization } from './find.ts'
import { answer, type CommonOptions, printable } from './output.ts'
import { withStore } from './with-store.ts'

/** Keys, never their secrets. */
export async function run(options: CommonOptions & { organization: string }): Promise<void> {
  await withStore(async (store) => {
    const { orgId } = await findOrganization(store, options.organization)
    const rows = await store.db
      .selectFrom('api_keys as k')
      .select(['k.api_key', 'k.label', 'k.scope', 'k.created_timestamp', 'k.revoked_timestamp'])
      .where('k.org_id', '=', orgId)
      .orderBy('k.created_timestamp')
      .orderBy('k.api_key')
      .execute()
    const keys = rows.map((row) => ({
      apiKey: row.api_key,
      label: row.label,
      scope: row.scope,
      createdTimestamp: row.created_timestamp,
      revokedTimestamp: row.revoked_timestamp,
    }))
    const lines = keys.map((key) =>
      [
        key.apiKey,
        key.scope,
        new Date(key.createdTimestamp).toISOString(),
        key.revokedTimestamp ? 'revoked' : 'valid',
        printable(key.label ?? ''),
      ]
        .join('  ')
        .trimEnd(),
    )
    answer(options, lines.length === 0 ? 'The organization has no keys' : lines.join('\n'), { keys })
  })
}
