import type { Store } from '../database/store.ts'
import { ApiError } from '../http/errors.ts'
import { CommandError } from './command-error.ts'

/** @throws CommandError where there is none */
export async function findOrganization(
  { db }: Store,
  organizationId: string,
): Promise<{ orgId: number; name: string }> {
  const row = await db
    .selectFrom('organizations as o')
    .select(['o.org_id', 'o.name'])
    .where('o.organization_id', '=', organizationId)
    .executeTakeFirst()
  if (!row) throw new CommandError(`There is no organization ${organizationId}`)
  return { orgId: row.org_id, name: row.name }
}

export interface FoundWorkspace {
  orgId: number
  workspaceKey: number
  type: 'VIP' | 'STANDARD'
}

/** By its id alone, which is random and so names one workspace of all organizations. */
export async function findWorkspace({ db }: Store, workspaceId: string): Promise<FoundWorkspace> {
  const row = await db
    .selectFrom('workspaces as w')
    .select(['w.org_id', 'w.workspace_key', 'w.type'])
    .where('w.workspace_id', '=', workspaceId)
    .executeTakeFirst()
  if (!row) throw new CommandError(`There is no workspace ${workspaceId}`)
  return { orgId: row.org_id, workspaceKey: row.workspace_key, type: row.type }
}

/** A channel of this organization, by its `mediumId`. */
export async function findChannel({ db }: Store, orgId: number, mediumId: string) {
  const row = await db
    .selectFrom('channels as c')
    .select([
      'c.channel_key as channelKey',
      'c.medium_id as mediumId',
      'c.type',
      'c.platform_id as platformId',
      'c.name',
    ])
    .select(['c.access_token_ciphertext as accessTokenCiphertext'])
    .select(['c.access_token_refused_timestamp as accessTokenRefusedTimestamp'])
    .select(['c.graph_paused_until_timestamp as graphPausedUntilTimestamp'])
    .where('c.org_id', '=', orgId)
    .where('c.medium_id', '=', mediumId)
    .executeTakeFirst()
  if (!row) throw new CommandError(`The organization has no channel ${mediumId}`)
  return row
}

/** Whether a VIP workspace of the organization has a channel, and so a list. */
export async function hasLists({ db }: Store, orgId: number): Promise<boolean> {
  const list = await db
    .selectFrom('workspaces as w')
    .innerJoin('workspace_channels as c', (join) =>
      join.onRef('c.org_id', '=', 'w.org_id').onRef('c.workspace_key', '=', 'w.workspace_key'),
    )
    .select('c.channel_key')
    .where('w.org_id', '=', orgId)
    .where('w.type', '=', 'VIP')
    .limit(1)
    .executeTakeFirst()
  return list !== undefined
}

/**
 * Adds to the refusal of a channel that is taken whose it is: on the command line nobody is kept from knowing.
 *
 * @throws CommandError for that refusal, any other error as it is
 */
export async function tellOwner(
  { db }: Store,
  { type, platformId }: { type: 'FB_PAGE' | 'INSTAGRAM_ACCOUNT'; platformId: string },
  error: unknown,
): Promise<never> {
  if (!(error instanceof ApiError) || error.statusCode !== 409) throw error
  const owner = await db
    .selectFrom('channels as c')
    .innerJoin('organizations as o', 'o.org_id', 'c.org_id')
    .select(['o.organization_id', 'o.name'])
    .where('c.type', '=', type)
    .where('c.platform_id', '=', platformId)
    .executeTakeFirst()
  if (!owner) throw error
  const list = `npx dynamo channel list --organization ${owner.organization_id}`
  throw new CommandError(`${error.message}: ${owner.organization_id} (${owner.name}); its channels: ${list}`)
}

/** How many users an organization has, or all of them: what a build or a verification has to look at. */
export async function countUsers({ db }: Store, orgId: number | undefined): Promise<number> {
  const users = db.selectFrom('users as u').select((select) => select.fn.countAll<number>().as('users'))
  const row = await (orgId === undefined ? users : users.where('u.org_id', '=', orgId)).executeTakeFirstOrThrow()
  return Number(row.users)
}
