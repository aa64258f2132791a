import { createKey } from '../organizations/create-key.ts'
import { checkVipIndicator, makeListsInForeground } from './lists.ts'
import { type CommonOptions, printJson } from './output.ts'
import { checkPlatformId, checkText } from './texts.ts'
import { withStore } from './with-store.ts'

interface Options extends CommonOptions {
  name: string
  type: 'FB_PAGE' | 'INSTAGRAM_ACCOUNT'
  platformId: string
  vipIndicator: string
}

/** Prints one JSON object with or without `--json`: the secret is shown here and never again. */
export async function run(options: Options): Promise<void> {
  const { type, vipIndicator } = options
  const name = checkText('--name', options.name)
  const platformId = checkPlatformId(options.platformId)
  checkVipIndicator(vipIndicator)
  await withStore(
    async (store, _config, secrets) => {
      const channel = { type, platformId, name }
      const made = await store.write('setUpOrganization', { name, vipIndicator, channel })
      const { orgId, workspaceKey, organizationId, workspaceId, mediumId } = made
      const key = await createKey(store, secrets, { orgId, label: 'setup', scope: 'read+report' })
      printJson({ organizationId, workspaceId, mediumId, ...key })
      await makeListsInForeground(store, { orgId, workspaceKey })
    },
    { mayMake: true },
  )
}
