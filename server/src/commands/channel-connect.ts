import { findChannel, findWorkspace } from './find.ts'
import { makeListsInForeground } from './lists.ts'
import { answer, type CommonOptions } from './output.ts'
import { withStore } from './with-store.ts'

/** On a VIP workspace the channel's list is made before the command ends, and shows then. */
export async function run(options: CommonOptions & { workspace: string; channel: string }): Promise<void> {
  await withStore(async (store) => {
    const { orgId, workspaceKey, type } = await findWorkspace(store, options.workspace)
    const { channelKey } = await findChannel(store, orgId, options.channel)
    const connected = await store.write('connectChannel', { orgId, workspaceKey, channelKey })
    // also where it was connected already: by a command that was stopped before the list was made
    if (type === 'VIP') await makeListsInForeground(store, { orgId, workspaceKey })
    answer(options, connected ? 'Connected' : 'It was connected already', { id: options.channel, connected })
  })
}
