import { execFile } from 'node:child_process'
import { Agent } from 'node:http'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { MadeList } from './made-list.ts'
import { type Repeated, repeat } from './repeat.ts'
import { KINDS, type KindName, sendReport } from './reports.ts'

export const ITEMS_PER_BATCH = 250
export const CONNECTIONS = 4

interface Load {
  baseUrl: string
  list: MadeList
  kind: KindName
  seconds: number
}

/**
 * Reports batches of random users of a list, as many as the server takes, from a process of its own.
 *
 * @throws where an answer is not 200
 */
export async function loadReports(given: Load): Promise<Repeated> {
  const args = [fileURLToPath(import.meta.url), JSON.stringify(given)]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  return JSON.parse(stdout)
}

if (import.meta.main) {
  const { baseUrl, list, kind, seconds }: Load = JSON.parse(process.argv[2] ?? '')
  const { path, makeReport } = KINDS[kind]
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  const makeBody = () =>
    JSON.stringify({ batch: Array.from({ length: ITEMS_PER_BATCH }, () => makeReport(list.users).item) })
  const repeated = await repeat({ lanes: CONNECTIONS, seconds }, makeBody, (body) =>
    sendReport({ agent, baseUrl }, list, path, body),
  )
  agent.destroy()
  process.stdout.write(JSON.stringify(repeated))
}
