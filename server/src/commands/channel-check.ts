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
    findings.push(...readingFindings(channel, Date.now()))
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

interface Reading {
  accessTokenRefusedTimestamp: number | null
  graphPausedUntilTimestamp: number | null
}

/** What keeps the servers from reading profiles now. */
function readingFindings(reading: Reading, now: number): Finding[] {
  const [refused, paused] = [reading.accessTokenRefusedTimestamp, reading.graphPausedUntilTimestamp]
  if (refused !== null) {
    const since = new Date(refused).toISOString()
    const text = `No profiles are read since ${since}, when this token was refused: give the channel a token with channel set`
    return [{ isOk: false, text }]
  }
  if (paused === null || paused <= now) return []
  return [
    { isOk: true, text: `The platform was asked much: profiles are read again from ${new Date(paused).toISOString()}` },
  ]
}

const line = ({ isOk, text }: Finding) => `${isOk ? 'ok   ' : 'wrong'}  ${printable(text)}`
