import { checkAccessToken, type Finding } from '../profiles/check-token.ts'
import { type ChannelOptions, withAccessToken } from './access-token.ts'
import { answer, printable } from './output.ts'

/** Exit code 1 where something is wrong. */
export async function run(options: ChannelOptions): Promise<void> {
  await withAccessToken(options, async ({ channel, graph, token }) => {
    const { findings, owner, missingPermissions } = await checkAccessToken(graph, token, channel)
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
    const text = `No profiles are read since ${since}, when this token was refused or lacked a permission: once the rest is ok give the channel its token with channel set`
    return [{ isOk: false, text }]
  }
  if (paused === null || paused <= now) return []
  return [
    {
      isOk: true,
      text: `The platform was asked much, or gave no answer: profiles are read again from ${new Date(paused).toISOString()}`,
    },
  ]
}

const line = ({ isOk, text }: Finding) => `${isOk ? 'ok   ' : 'wrong'}  ${printable(text)}`
