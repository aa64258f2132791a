import { deleteAllStale } from '../vip-users/make-lists.ts'
import { findChannel, findWorkspace } from './find.ts'
import { answer, type CommonOptions } from './output.ts'
import { withStore } from './with-store.ts'

export async function run(options: CommonOptions & { workspace: string; channel: string }): Promise<void> {
  await withStore(async (store) => {
    const { orgId, workspaceKey } = await findWorkspace(store, options.workspace)
    const { channelKey } = await findChannel(store, orgId, options.channel)
    const disconnected = await store.write('disconnectChannel', { orgId, workspaceKey, channelKey })
    await deleteAllStale(store, orgId)
    answer(options, disconnected ? 'Disconnected' : 'It was not connected', { id: options.channel, disconnected })
  })
}
