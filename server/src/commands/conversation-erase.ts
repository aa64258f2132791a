import { appendErasure } from '../erasure/erasures-file.ts'
import { CommandError } from './command-error.ts'
import { findChannel, findOrganization } from './find.ts'
import { answer, type CommonOptions, printable } from './output.ts'
import { withStore } from './with-store.ts'

/** As an erasure over the API: with a receipt, and a line in `erasures.ndjson`. No list or export has had the person. */
export async function run(
  platformUserId: string,
  options: CommonOptions & { organization: string; channel: string },
): Promise<void> {
  // a receipt of nobody would be left, as of whom nothing is kept
  if (platformUserId === '') throw new CommandError('platformUserId is not allowed to be empty', 2)
  await withStore(async (store, { dataDir }) => {
    const { organization: organizationId, channel: mediumId } = options
    const { orgId } = await findOrganization(store, organizationId)
    const { channelKey } = await findChannel(store, orgId, mediumId)
    const person = { orgId, channelKey, mediumId, platformUserId }
    const erasure = await store.write('eraseConversation', { ...person, erasedTimestamp: Date.now() })
    if ('cuid' in erasure) {
      throw new CommandError(
        `They are the user ${printable(erasure.cuid)}: erase that user with POST /v1.0/user/deleteUserData`,
      )
    }
    await appendErasure(dataDir, { organizationId, ...erasure })
    const { receiptId, rows } = erasure
    const done = rows > 0 ? 'Erased' : `Nothing is kept of ${printable(platformUserId)} on this channel`
    answer(options, `${done}; the receipt is ${receiptId}`, { receiptId, rows })
  })
}
