import { createUserLink, linkConversations } from './audience/create-links.ts'
import { identify } from './audience/identify.ts'
import { markConversion } from './audience/mark-conversion.ts'
import { recordPurchases } from './audience/record-purchases.ts'
import { recordUsers } from './audience/record-users.ts'
import { reportPurchases } from './audience/report-purchases.ts'
import { pauseChannel, refuseAccessToken, setAccessToken } from './channels/access-token.ts'
import { createChannel } from './channels/write-channels.ts'
import { recordConversations } from './conversations/record-conversations.ts'
import { renewStoreId } from './database/meta.ts'
import { markCompacted } from './erasure/compact-store.ts'
import { eraseConversation } from './erasure/erase-conversation.ts'
import { eraseUser, reapplyErasure } from './erasure/erase-user.ts'
import { forgetErasures } from './erasure/upkeep.ts'
import { beginExport, endExports, finishExport, forgetExport } from './exports/export-rows.ts'
import { forgetAnswers } from './idempotency/forget-answers.ts'
import { idempotent } from './idempotency/idempotent.ts'
import { removeOrganization, removeOrganizationRows } from './organizations/remove-organization.ts'
import { markSample, startSample } from './organizations/sample-mark.ts'
import { setUpOrganization } from './organizations/set-up-organization.ts'
import {
  createApiKey,
  createOrganization,
  rememberMasterKey,
  revokeApiKey,
  setOrganizationActive,
} from './organizations/write-organizations.ts'
import { forgetPlannedChunk, planUnreadChunk } from './profiles/plan-reads.ts'
import { recordProfile, returnProfileReads, takeProfileReads } from './profiles/take-reads.ts'
import { setPersonalInformation } from './users/set-personal-information.ts'
import { deleteStale, finishBuild } from './vip-users/build.ts'
import { buildChunk } from './vip-users/build-chunk.ts'
import { settleDue } from './vip-users/settle-due.ts'
import { applyEvents } from './webhooks/apply-events.ts'
import { forgetEvents } from './webhooks/forget-events.ts'
import { postponeEvent } from './webhooks/postpone-event.ts'
import { storeEvents } from './webhooks/store-events.ts'
import { connectChannel, createWorkspace, disconnectChannel, setVipIndicator } from './workspaces/write-workspaces.ts'

/** Every write of the product, by the name under which a store runs it. */
export const writes = {
  applyEvents,
  beginExport,
  buildChunk,
  connectChannel,
  createApiKey,
  createChannel,
  createOrganization,
  createUserLink: idempotent(createUserLink, { cuidOf: (_linkId, { cuid }) => cuid }),
  createWorkspace,
  deleteStale,
  disconnectChannel,
  endExports,
  eraseConversation,
  eraseUser: idempotent(eraseUser),
  finishBuild,
  finishExport,
  forgetAnswers,
  forgetErasures,
  forgetEvents,
  forgetExport,
  forgetPlannedChunk,
  markCompacted,
  identify: idempotent(identify, { repeat: () => 0 }),
  markConversion: idempotent(markConversion, { cuidOf: (userId) => userId }),
  linkConversations,
  markSample,
  planUnreadChunk,
  postponeEvent,
  pauseChannel,
  reapplyErasure,
  recordConversations,
  recordPurchases,
  recordUsers: idempotent(recordUsers, { repeat: () => ({ outcomes: [], rejectedBirthdays: 0 }) }),
  recordProfile,
  refuseAccessToken,
  rememberMasterKey,
  removeOrganization,
  removeOrganizationRows,
  renewStoreId,
  reportPurchases: idempotent(reportPurchases, { repeat: () => 0 }),
  returnProfileReads,
  revokeApiKey,
  setAccessToken,
  setOrganizationActive,
  setPersonalInformation,
  setUpOrganization,
  setVipIndicator,
  settleDue,
  startSample,
  takeProfileReads,
  storeEvents,
}

export type Writes = typeof writes
