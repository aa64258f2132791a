import { createChannel, type NewChannel } from '../channels/write-channels.ts'
import type { Tx } from '../database/write.ts'
import { connectChannel, createWorkspace } from '../workspaces/write-workspaces.ts'
import { createOrganization } from './write-organizations.ts'

export interface NewSetUp {
  name: string
  /** compiled by the caller */
  vipIndicator: string
  channel: Omit<NewChannel, 'orgId'>
}

/**
 * Makes an organization with a channel, and a VIP workspace that lists it: all or nothing. Its list begins with a build,
 * as that of every VIP workspace.
 *
 * @throws ApiError 409 where the channel belongs to an organization already
 */
export async function setUpOrganization(tx: Tx, { name, vipIndicator, channel }: NewSetUp) {
  const { orgId, organizationId } = await createOrganization(tx, { name })
  const { channelKey, mediumId } = await createChannel(tx, { orgId, ...channel })
  const workspace = await createWorkspace(tx, { orgId, name: 'VIP', type: 'VIP', vipIndicator })
  await connectChannel(tx, { orgId, workspaceKey: workspace.workspaceKey, channelKey })
  return { orgId, organizationId, mediumId, ...workspace }
}
