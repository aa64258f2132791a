import { rm } from 'node:fs/promises'
import { writeFile } from '../exports/write-file.ts'
import { createKey } from '../organizations/create-key.ts'
import { CommandError, cannotWrite } from './command-error.ts'
import { tellOwner } from './find.ts'
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

/**
 * Writes one JSON object into a new file for its owner alone, or prints it, with or without `--json`: the secret is told
 * here and never again.
 */
export async function run(file: string | undefined, options: Options): Promise<void> {
  const { type, vipIndicator } = options
  const name = checkText('--name', options.name)
  const platformId = checkPlatformId(options.platformId)
  checkVipIndicator(vipIndicator)
  await toNewFile(file, (tell) =>
    withStore(
      async (store, _config, secrets) => {
        const channel = { type, platformId, name }
        const made = await store
          .write('setUpOrganization', { name, vipIndicator, channel })
          .catch((error: unknown) => tellOwner(store, channel, error))
        const { orgId, workspaceKey, organizationId, workspaceId, mediumId } = made
        const key = await createKey(store, secrets, { orgId, label: 'setup', scope: 'read+report' })
        await tell({ organizationId, workspaceId, mediumId, ...key })
        await makeListsInForeground(store, { orgId, workspaceKey })
      },
      { mayMake: true },
    ),
  )
}

/** A file that is there may hold the secret of an earlier call: then nothing is made. */
async function toNewFile(
  path: string | undefined,
  use: (tell: (object: object) => Promise<void>) => Promise<void>,
): Promise<void> {
  if (path === undefined || path === '-') return await use(async (object) => printJson(object))
  let [isMade, isTold] = [false, false]
  try {
    await writeFile(path, (write) => {
      isMade = true
      return use(async (object) => {
        await write(Buffer.from(`${JSON.stringify(object)}\n`))
        isTold = true
      })
    })
  } catch (error) {
    if (!isMade) throw cannotMake(path, error)
    if (!isTold) await rm(path, { force: true })
    throw error
  }
}

function cannotMake(path: string, error: unknown): CommandError {
  const isThere = error instanceof Error && 'code' in error && error.code === 'EEXIST'
  return isThere ? new CommandError(`${path} is there already: name another file`) : cannotWrite(path, error)
}
