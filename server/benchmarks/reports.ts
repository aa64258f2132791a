import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { type Agent, type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { sign } from '../test/signed.ts'
import type { Credentials } from './load.ts'
import { cuidOf } from './made-list.ts'
import type { RawRow } from './raw-table.ts'

/** What is reported of one user, and the rows that somebody would insert who only keeps it. */
interface Report {
  item: object
  rows: RawRow[]
}

interface Kind {
  path: string
  /** @param users  how many are known */
  makeReport: (users: number) => Report
  /** the id of a row that was there before, for the user with this number */
  knownId: (number: number) => string
}

export type KindName = 'purchases' | 'properties'

const below = (end: number) => Math.floor(Math.random() * end)
const PLANS = ['free', 'basic', 'pro', 'season pass']

export const KINDS: Record<KindName, Kind> = {
  purchases: {
    path: '/v1.0/user/purchase',
    makeReport(users) {
      const [purchaseId, cuid, timestamp] = [randomUUID(), cuidOf(below(users)), Date.now()]
      const revenue = (1 + below(10_000)) / 100
      return {
        item: { userId: cuid, revenue, purchaseId, timestamp },
        rows: [{ id: purchaseId, cuid, value: `${revenue}`, timestamp }],
      }
    },
    knownId: () => randomUUID(),
  },
  properties: {
    path: '/v1.0/user/properties',
    makeReport(users) {
      const [cuid, timestamp] = [cuidOf(below(users)), Date.now()]
      const level = { key: 'level', value: below(500) }
      const plan = { key: 'plan', value: PLANS[below(PLANS.length)] ?? '' }
      const properties = Math.random() < 0.5 ? [level] : [level, plan]
      return {
        item: { userId: cuid, properties, timestamp },
        rows: properties.map(({ key, value }) => ({ id: `${cuid} ${key}`, cuid, value: `${value}`, timestamp })),
      }
    },
    knownId: (number) => `${cuidOf(number)} birthday`,
  },
}

/** Sends a signed report. @throws where the answer is not 200 */
export async function sendReport(
  { agent, baseUrl }: { agent: Agent; baseUrl: string },
  credentials: Credentials,
  path: string,
  body: string,
): Promise<void> {
  await send({ agent, baseUrl }, sign(credentials, new Date().toISOString()), path, body)
}

/** @throws where the answer is not 200 */
export async function send(
  { agent, baseUrl }: { agent: Agent; baseUrl: string },
  signed: Record<string, string>,
  path: string,
  body: string,
): Promise<void> {
  const headers = { ...signed, 'content-type': 'application/json' }
  const sent = request(baseUrl + path, { agent, method: 'POST', headers }).end(body)
  const [answer]: IncomingMessage[] = await once(sent, 'response')
  const said = answer ? await text(answer) : ''
  if (answer?.statusCode !== 200) throw new Error(`${path}: ${answer?.statusCode} ${said}`)
}
