import { execFile } from 'node:child_process'
import { createHmac, randomUUID } from 'node:crypto'
import { Agent } from 'node:http'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { ask, pageOf } from './cases.ts'
import { percentile } from './figures.ts'
import type { MadeList } from './made-list.ts'
import { type Repeated, repeat } from './repeat.ts'
import { send } from './reports.ts'
import { startSteady } from './steady.ts'

export const META = { META_APP_SECRET: 'benchmark', META_VERIFY_TOKEN: 'benchmark' }
export const CONNECTIONS = 4
export const EVENTS_PER_NOTIFICATION = 10
export const PER_SECOND = 500
const PROBES_PER_SECOND = 10
const LOOK_MS = 2

interface Load {
  baseUrl: string
  list: MadeList
  seconds: number
  /** `most`: as many as the server takes; `lag`: 500 a second */
  kind: 'most' | 'lag'
}

export interface Lag {
  p50Ms: number
  p99Ms: number
}

/** Sends notifications of messages by random people of a list, from a process of its own. */
export async function loadNotifications(given: Load & { kind: 'most' }): Promise<Repeated>
export async function loadNotifications(given: Load & { kind: 'lag' }): Promise<Lag>
export async function loadNotifications(given: Load): Promise<Repeated | Lag> {
  const args = [fileURLToPath(import.meta.url), JSON.stringify(given)]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  return JSON.parse(stdout)
}

if (import.meta.main) {
  const { baseUrl, list, seconds, kind }: Load = JSON.parse(process.argv[2] ?? '')
  const agent = new Agent({ keepAlive: true, maxSockets: kind === 'most' ? CONNECTIONS : Number.POSITIVE_INFINITY })
  const notify = (body: string) => {
    const signature = createHmac('sha256', META.META_APP_SECRET).update(body).digest('hex')
    return send({ agent, baseUrl }, { 'x-hub-signature-256': `sha256=${signature}` }, '/webhooks/meta', body)
  }
  const random = () => Math.floor(Math.random() * list.users)
  const makeMany = () => notification(list, Array.from({ length: EVENTS_PER_NOTIFICATION }, random))
  const measured =
    kind === 'most'
      ? await repeat({ lanes: CONNECTIONS, seconds }, makeMany, notify)
      : await measureLag(baseUrl, list, seconds, () => notify(notification(list, [random()])), notify)
  agent.destroy()
  process.stdout.write(JSON.stringify(measured))
}

/** How long after its answer a message of the list's first person shows there, while others write. */
async function measureLag(
  baseUrl: string,
  list: MadeList,
  seconds: number,
  notifyAny: () => Promise<void>,
  notify: (body: string) => Promise<void>,
): Promise<Lag> {
  const first = async () => JSON.parse(await ask(baseUrl, list, pageOf(list))).items[0]
  const number = Number((await first()).cuid.split('-')[1])
  const lags: number[] = []
  const others = startSteady(PER_SECOND, notifyAny)
  const endMs = performance.now() + seconds * 1_000
  while (performance.now() < endMs) {
    const timestamp = Date.now()
    await notify(notification(list, [number], timestamp))
    const answeredMs = performance.now()
    while ((await first()).lastUserMessageTimestamp < timestamp) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
    lags.push(performance.now() - answeredMs)
    await new Promise((resolve) => setTimeout(resolve, 1_000 / PROBES_PER_SECOND))
  }
  await others.stop()
  return { p50Ms: percentile(lags, 0.5), p99Ms: percentile(lags, 0.99) }
}

/** People are known to the platform by their numbers. */
function notification({ mediumId }: MadeList, people: number[], timestamp = Date.now()): string {
  const id = mediumId.replace('FB_PAGE_', '')
  const messaging = people.map((person) => ({
    sender: { id: `${person}` },
    recipient: { id },
    timestamp,
    message: { mid: `m_${randomUUID()}`, text: 'When does the next tournament begin?' },
  }))
  return JSON.stringify({ object: 'page', entry: [{ id, time: timestamp, messaging }] })
}
