import { CommandError } from './command-error.ts'
import { findWorkspace } from './find.ts'
import { checkVipIndicator, makeListsInForeground, sentenceOf } from './lists.ts'
import { answer, type CommonOptions } from './output.ts'
import { withStore } from './with-store.ts'

/** The old list is served until every user has been judged by the new rule. */
export async function run(options: CommonOptions & { workspace: string; vipIndicator: string }): Promise<void> {
  const { vipIndicator } = options
  checkVipIndicator(vipIndicator)
  await withStore(async (store) => {
    const { orgId, workspaceKey, type } = await findWorkspace(store, options.workspace)
    if (type !== 'VIP') throw new CommandError(`Workspace ${options.workspace} is not of type VIP: it has no list`)
    await store.write('setVipIndicator', { orgId, workspaceKey, vipIndicator })
    const evaluated = await makeListsInForeground(store, { orgId, workspaceKey })
    answer(options, sentenceOf(evaluated), { id: options.workspace, evaluated })
  })
}
