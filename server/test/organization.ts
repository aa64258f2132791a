import type { Store } from '../src/database/store.ts'
import { makeLists } from '../src/vip-users/make-lists.ts'

export interface TestOrganization {
  orgId: number
  organizationId: string
  workspaceKey: number
  workspaceId: string
  channels: { channelKey: number; mediumId: string }[]
}

let lastPlatformId = 0

/** An organization with one VIP workspace and its channels, made by the product's own writes. */
export async function makeOrganization(
  store: Store,
  { vipIndicator = 'ltv >= 100', channels = 1 }: { vipIndicator?: string | null; channels?: number } = {},
): Promise<TestOrganization> {
  const { orgId, organizationId } = await store.write('createOrganization', { name: 'Acme' })
  const workspace = await store.write('createWorkspace', { orgId, name: 'VIPs', type: 'VIP', vipIndicator })
  const made: TestOrganization['channels'] = []
  for (let index = 0; index < channels; index++) {
    const channel = await store.write('createChannel', {
      orgId,
      type: index % 2 === 0 ? 'FB_PAGE' : 'INSTAGRAM_ACCOUNT',
      platformId: `${++lastPlatformId}`,
      name: `Channel ${index + 1}`,
    })
    await store.write('connectChannel', { orgId, workspaceKey: workspace.workspaceKey, channelKey: channel.channelKey })
    made.push(channel)
  }
  await makeLists(store, { orgId, workspaceKey: workspace.workspaceKey })
  return { orgId, organizationId, ...workspace, channels: made }
}
