import { describeWorkspace, type WorkspaceDescription } from '../vip-users/describe-workspace.ts'
import { findWorkspace } from './find.ts'
import { answer, type CommonOptions, printable } from './output.ts'
import { withStore } from './with-store.ts'

export async function run(options: CommonOptions & { workspace: string }): Promise<void> {
  const workspace = await withStore(async (store) => {
    const found = await findWorkspace(store, options.workspace)
    return await store.snapshot((db) => describeWorkspace(db, found))
  })
  answer(options, textOf(workspace), workspace)
}

function textOf({ name, type, vipIndicator, progress, channels }: WorkspaceDescription): string {
  return [
    `${printable(name)}, ${type}`,
    ...(type === 'VIP' ? [`rule: ${ruleOf(vipIndicator)}`] : []),
    ...(progress === null
      ? []
      : [
          `being marked anew: ${progress.users} of ${progress.usersInAll} users; until then by ${ruleOf(progress.servedVipIndicator)}`,
        ]),
    ...channels.map(({ id, name, total }) => `${id}  ${printable(name)}${total === null ? '' : `  ${total} rows`}`),
  ].join('\n')
}

function ruleOf(vipIndicator: string | null): string {
  return vipIndicator === null ? 'none, so nobody is VIP' : printable(vipIndicator)
}
