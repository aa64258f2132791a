import { accessTokenPlace } from '../channels/access-token.ts'
import { forgetPlannedReads, planUnreadProfiles } from '../profiles/plan-reads.ts'
import { type AccessTokenOption, readAccessToken } from './access-token.ts'
import { CommandError } from './command-error.ts'
import { findChannel, findOrganization } from './find.ts'
import { answer, type CommonOptions } from './output.ts'
import { withStore } from './with-store.ts'

interface Options extends CommonOptions, AccessTokenOption {
  organization: string
  channel: string
  clearAccessToken?: true
}

export async function run(options: Options): Promise<void> {
  if ((options.accessToken === undefined) === (options.clearAccessToken === undefined)) {
    throw new CommandError('Give --access-token or --clear-access-token', 2)
  }
  const token = await readAccessToken(options)
  await withStore(async (store, _config, secrets) => {
    const { orgId } = await findOrganization(store, options.organization)
    const { channelKey } = await findChannel(store, orgId, options.channel)
    const ciphertext = token === null ? null : secrets.encrypt(token, accessTokenPlace(orgId, options.channel))
    await store.write('setAccessToken', { orgId, channelKey, ciphertext })
    if (token === null) await forgetPlannedReads(store, { orgId, channelKey })
    else await planUnreadProfiles(store, { orgId, channelKey })
    answer(options, token === null ? 'It has no access token any more' : 'It has a new access token', {
      id: options.channel,
      hasAccessToken: token !== null,
    })
  })
}
