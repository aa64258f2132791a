import { execFile } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export interface Credentials {
  apiKey: string
  secret: string
}

export interface LoadResult {
  requests: number
  requestsPerSecond: number
  p50Ms: number
  p99Ms: number
}

/** Requests made beforehand for one run: each has a date and a signature of its own; they are sent in turn. */
const REQUESTS = 50_000
/** Enough that the server never waits for a request, few enough that the latency is the server's. */
export const CONNECTIONS = 16

/** The version of `wrk`, which makes the load. @throws where it is not installed */
export async function wrkVersion(): Promise<string> {
  // it says its version, prints its usage, and ends with 1
  const { stdout } = await promisify(execFile)('wrk', ['-v']).catch((error: { stdout?: string }) => error)
  const version = /^wrk (\S+)/.exec(stdout ?? '')?.[1]
  if (!version) throw new Error('wrk is not installed: `apt-get install wrk` or `brew install wrk`')
  return version
}

/**
 * Loads a server with signed requests, as many as it answers, from a process of its own.
 *
 * @param nextAddress  the path and query of one more request
 * @throws where an answer is not 2xx
 */
export async function load(
  baseUrl: string,
  credentials: Credentials,
  nextAddress: () => string,
  { seconds, folder }: { seconds: number; folder: string },
): Promise<LoadResult> {
  const file = join(folder, 'requests.tsv')
  await writeFile(file, signedRequests(credentials, nextAddress))
  const script = fileURLToPath(new URL('./wrk.lua', import.meta.url))
  const settings = ['--threads', '1', '--connections', `${CONNECTIONS}`, '--duration', `${seconds}s`]
  const { stdout } = await promisify(execFile)('wrk', [...settings, '--script', script, baseUrl, '--', file])
  const { requests, failed, micros, p50Micros, p99Micros } = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '')
  if (failed > 0) throw new Error(`${failed} of ${requests} requests to ${baseUrl} failed: ${stdout}`)
  return { requests, requestsPerSecond: (requests / micros) * 1e6, p50Ms: p50Micros / 1000, p99Ms: p99Micros / 1000 }
}

/** Dates of the same millisecond are told apart by their last six digits, which the server may not read. */
function signedRequests({ apiKey, secret }: Credentials, nextAddress: () => string): string {
  const start = new Date().toISOString().slice(0, -1)
  return Array.from({ length: REQUESTS }, (_, index) => {
    const date = `${start}${String(index).padStart(6, '0')}Z`
    const signature = createHmac('sha256', secret).update(date).digest('hex')
    return [nextAddress(), apiKey, date, signature].join('\t')
  }).join('\n')
}
