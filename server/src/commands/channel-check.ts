import { checkAccessToken, type Finding } from '../profiles/check-token.ts'
import { createGraph } from '../profiles/graph.ts'
import { findAccessToken } from './access-token.ts'
import { findChannel, findOrganization } from './find.ts'
import { answer, type CommonOptions, printable } from './output.ts'
import { withStore } from './with-store.ts'

interface Options extends CommonOptions {
  organization: string
  channel: string
}

/** Exit code 1 where something is wrong. */
export async function run(options: Options): Promise<void> {
  await withStore(async (store, config, secrets) => {
    const { orgId } = await findOrganization(store, options.organization)
    const channel = await findChannel(store, orgId, options.channel)
    const token = findAccessToken(secrets, orgId, channel)
    const { findings, owner, missingPermissions } = await checkAccessToken(
      createGraph({ url: config.graphUrl }),
      token,
      channel,
    )
    const refused = channel.accessTokenRefusedTimestamp
    if (refused !== null) findings.push(stopped(refused))
    const isOk = findings.every((finding) => finding.isOk)
    answer(options, findings.map(line).join('\n'), {
      id: options.channel,
      ok: isOk,
      owner,
      missingPermissions,
      findings: findings.map(({ isOk: ok, text }) => ({ ok, text })),
    })
    if (!isOk) process.exitCode = 1
  })
}

function stopped(refusedTimestamp: number): Finding {
  const since = new Date(refusedTimestamp).toISOString()
  return {
    isOk: false,
    text: `No profiles are read since ${since}, when this token was refused: give the channel a token with channel set`,
  }
}

const line = ({ isOk, text }: Finding) => `${isOk ? 'ok   ' : 'wrong'}  ${printable(text)}`
