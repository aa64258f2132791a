import { recordPurchases } from './audience/record-purchases.ts'
import { recordUsers } from './audience/record-users.ts'
import { createChannel } from './channels/write-channels.ts'
import { recordConversations } from './conversations/record-conversations.ts'
import {
  createApiKey,
  createOrganization,
  rememberMasterKey,
  revokeApiKey,
  setOrganizationActive,
} from './organizations/write-organizations.ts'
import { deleteStale, finishBuild } from './vip-users/build.ts'
import { buildChunk } from './vip-users/build-chunk.ts'
import { connectChannel, createWorkspace, disconnectChannel, setVipIndicator } from './workspaces/write-workspaces.ts'

/** Every write of the product, by the name under which a store runs it. */
export const writes = {
  buildChunk,
  connectChannel,
  createApiKey,
  createChannel,
  createOrganization,
  createWorkspace,
  deleteStale,
  disconnectChannel,
  finishBuild,
  recordConversations,
  recordPurchases,
  recordUsers,
  rememberMasterKey,
  revokeApiKey,
  setOrganizationActive,
  setVipIndicator,
}

export type Writes = typeof writes
