import { CommandError } from './command-error.ts'
import { findOrganization } from './find.ts'
import { checkVipIndicator, makeListsInForeground, sentenceOf } from './lists.ts'
import { answer, type CommonOptions, say } from './output.ts'
import { checkText } from './texts.ts'
import { withStore } from './with-store.ts'

interface Options extends CommonOptions {
  organization: string
  name: string
  type: 'VIP' | 'STANDARD'
  vipIndicator?: string
}

/** A VIP workspace judges every user there is before the command ends. */
export async function run(options: Options): Promise<void> {
  const { type, vipIndicator = null } = options
  const name = checkText('--name', options.name)
  if (type === 'STANDARD' && vipIndicator !== null) {
    throw new CommandError('Only a workspace of type VIP has a --vip-indicator', 2)
  }
  if (vipIndicator !== null) checkVipIndicator(vipIndicator)
  await withStore(async (store) => {
    const { orgId } = await findOrganization(store, options.organization)
    const made = await store.write('createWorkspace', { orgId, name, type, vipIndicator })
    if (type === 'STANDARD') return answer(options, made.workspaceId, { id: made.workspaceId })
    const evaluated = await makeListsInForeground(store, { orgId, workspaceKey: made.workspaceKey })
    say(sentenceOf(evaluated))
    answer(options, made.workspaceId, { id: made.workspaceId, evaluated })
  })
}
