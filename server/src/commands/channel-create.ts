import { accessTokenPlace } from '../channels/access-token.ts'
import { type AccessTokenOption, readAccessToken } from './access-token.ts'
import { findOrganization, tellOwner } from './find.ts'
import { answer, type CommonOptions } from './output.ts'
import { checkPlatformId, checkText } from './texts.ts'
import { withStore } from './with-store.ts'

interface Options extends CommonOptions, AccessTokenOption {
  organization: string
  type: 'FB_PAGE' | 'INSTAGRAM_ACCOUNT'
  platformId: string
  name: string
}

export async function run(options: Options): Promise<void> {
  const name = checkText('--name', options.name)
  const platformId = checkPlatformId(options.platformId)
  const token = await readAccessToken(options)
  await withStore(async (store, _config, secrets) => {
    const { orgId } = await findOrganization(store, options.organization)
    const channel = { orgId, type: options.type, platformId, name }
    const { mediumId, channelKey } = await store
      .write('createChannel', channel)
      .catch((error: unknown) => tellOwner(store, channel, error))
    if (token !== null) {
      const ciphertext = secrets.encrypt(token, accessTokenPlace(orgId, mediumId))
      await store.write('setAccessToken', { orgId, channelKey, ciphertext })
    }
    answer(options, mediumId, { id: mediumId })
  })
}
