import { exportConversation } from '../conversations/export-conversation.ts'
import { CommandError } from './command-error.ts'
import { findChannel, findOrganization } from './find.ts'
import { answer, type CommonOptions, printable } from './output.ts'
import { withStore } from './with-store.ts'

/** Prints JSON with or without `--json`: it is a document to hand on. */
export async function run(
  platformUserId: string,
  options: CommonOptions & { organization: string; channel: string },
): Promise<void> {
  const exported = await withStore(async (store) => {
    const { orgId } = await findOrganization(store, options.organization)
    const { channelKey } = await findChannel(store, orgId, options.channel)
    return await exportConversation(store, { orgId, channelKey, platformUserId })
  })
  if (exported === null) throw new CommandError(`The channel knows nobody by ${printable(platformUserId)}`)
  if ('cuid' in exported) {
    throw new CommandError(`They are the user ${printable(exported.cuid)}: run npx dynamo user export`)
  }
  answer(options, JSON.stringify(exported, null, 2), exported)
}
