import { isRecord } from '../http/is-record.ts'

/**
 * Why the Graph API did not give what it was asked for.
 *
 * `refused`: the access token is no good, until there is another. `limited`: it was asked too much. `unknown`: there is
 * no such person or field, for this token. `forbidden`: the token lacks a permission. `failed`: anything else, which
 * may pass.
 *
 * @see https://developers.facebook.com/docs/graph-api/guides/error-handling
 */
type Fault = 'refused' | 'limited' | 'unknown' | 'forbidden' | 'failed'

/** Holds nothing of what the platform said but its code and names of permissions: its texts may tell of tokens and people. */
export class GraphError extends Error {
  readonly fault: Fault
  /** the platform's number, or `network`, `timeout`, `redirect`, `too large`, `malformed`, `http 5xx` … */
  readonly code: string
  /** those that the platform says the token lacks */
  readonly permissions: string[]
  readonly pauses: Pauses

  constructor(
    fault: Fault,
    code: string,
    { permissions = [] as string[], pauses = NO_PAUSES, cause = undefined as unknown } = {},
  ) {
    super(`The Graph API answered ${code}`, { cause })
    this.name = 'GraphError'
    this.fault = fault
    this.code = code
    this.permissions = permissions
    this.pauses = pauses
  }
}

/** For how long the platform is to be left alone, as it said: what may be asked is nearly used up; 0: it said nothing. */
export interface Pauses {
  /** for this channel */
  channelMs: number
  /** for all channels: the limit is that of the whole app */
  appMs: number
}

const NO_PAUSES: Pauses = { channelMs: 0, appMs: 0 }

export interface GraphAnswer {
  body: Record<string, unknown>
  pauses: Pauses
}

export interface Graph {
  /**
   * @param path below the API's address, made of plain names and ids
   * @throws GraphError
   */
  get: (path: string, params: Record<string, string>, token: string, signal?: AbortSignal) => Promise<GraphAnswer>
}

export interface GraphOptions {
  /** without a trailing slash: `https://graph.facebook.com/v23.0` */
  url: string
  /** @param code `ok`, or the error's */
  count?: (code: string) => void
  timeoutMs?: number
}

const TIMEOUT_MS = 10_000
/** A profile has some hundred bytes, a page of conversations some ten thousand. */
const MAX_ANSWER_BYTES = 1024 * 1024

/**
 * Asks the platform: the token goes in the header alone, no redirect is followed, no address from an answer is used, and
 * neither a slow nor an endless answer holds anything for long.
 */
export function createGraph({ url, count = () => undefined, timeoutMs = TIMEOUT_MS }: GraphOptions): Graph {
  async function ask(address: URL, token: string, signal: AbortSignal | undefined): Promise<GraphAnswer> {
    const timeout = AbortSignal.timeout(timeoutMs)
    try {
      const response = await fetch(address, {
        headers: { authorization: `Bearer ${token}`, accept: 'application/json' },
        redirect: 'manual',
        signal: signal ? AbortSignal.any([timeout, signal]) : timeout,
      })
      return await read(response, token)
    } catch (error) {
      if (error instanceof GraphError) throw error
      signal?.throwIfAborted()
      throw new GraphError('failed', timeout.aborted ? 'timeout' : 'network', { cause: error })
    }
  }

  return {
    async get(path, params, token, signal) {
      const address = new URL(`${url}/${path}`)
      for (const [name, value] of Object.entries(params)) address.searchParams.set(name, value)
      try {
        const answer = await ask(address, token, signal)
        count('ok')
        return answer
      } catch (error) {
        if (error instanceof GraphError) count(error.code)
        throw error
      }
    },
  }
}

async function read(response: Response, token: string): Promise<GraphAnswer> {
  if (response.status >= 300 && response.status < 400) {
    await response.body?.cancel()
    throw new GraphError('failed', 'redirect')
  }
  const body = await readJson(response, token)
  const pauses = usagePauses(response.headers)
  if (isRecord(body) && isRecord(body.error)) throw toError(body.error, pauses)
  if (response.status === 429) throw new GraphError('limited', 'http 429', { pauses })
  if (!response.ok) throw new GraphError('failed', `http ${Math.floor(response.status / 100)}xx`)
  if (!isRecord(body)) throw new GraphError('failed', 'malformed')
  return { body, pauses }
}

/**
 * Texts that tell the token are null: whatever they were meant as, they are neither stored nor printed.
 *
 * @returns undefined where an answer other than 2xx is no JSON, as a proxy's is not
 */
async function readJson(response: Response, token: string): Promise<unknown> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    if (bytes > MAX_ANSWER_BYTES) throw new GraphError('failed', 'too large')
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'), (_name, value) =>
      typeof value === 'string' && value.includes(token) ? null : value,
    )
  } catch (error) {
    if (!response.ok) return undefined
    throw new GraphError('failed', 'malformed', { cause: error })
  }
}

/** Names of permissions, as the platform's texts have them. */
const PERMISSION = /\b(?:pages|instagram|business)_[a-z_]{1,50}\b/g
const MAX_PERMISSIONS = 5

function toError({ code, message }: Record<string, unknown>, pauses: Pauses): GraphError {
  const number = typeof code === 'number' && Number.isInteger(code) ? code : 0
  const permissions =
    typeof message === 'string' ? [...new Set(message.match(PERMISSION))].slice(0, MAX_PERMISSIONS) : []
  return new GraphError(faultOf(number), String(number), { permissions, pauses })
}

function faultOf(code: number): Fault {
  if (code === 190 || code === 102) return 'refused'
  // of the app, the user, the page, a custom one; then of business use cases
  if ([4, 17, 32, 613].includes(code) || (code >= 80_000 && code <= 80_014)) return 'limited'
  // a person without a profile, one who has not consented to be shown, one who cannot be reached
  if ([100, 230, 551].includes(code)) return 'unknown'
  if (code === 3 || code === 10 || (code >= 200 && code <= 299)) return 'forbidden'
  return 'failed'
}

const MINUTE_MS = 60_000
/** From so many per cent of what may be asked on we wait, so that others who use the same app can still ask. */
const NEARLY_USED_PERCENT = 90
const NEARLY_USED_PAUSE_MS = 5 * MINUTE_MS
const MAX_PAUSE_MS = 24 * 60 * MINUTE_MS

/** @see https://developers.facebook.com/docs/graph-api/overview/rate-limiting */
function usagePauses(headers: Headers): Pauses {
  const pauseMsOf = (name: string) => Math.max(0, ...usagesIn(headers.get(name)).map(usagePauseMs))
  const appMs = pauseMsOf('x-app-usage')
  return { channelMs: Math.max(appMs, pauseMsOf('x-page-usage'), pauseMsOf('x-business-use-case-usage')), appMs }
}

function usagePauseMs(usage: Record<string, unknown>): number {
  const shares = [usage.call_count, usage.total_time, usage.total_cputime].map(Number)
  const regainMs = Number(usage.estimated_time_to_regain_access) * MINUTE_MS || 0
  const isNearlyUsed = shares.some((share) => share >= NEARLY_USED_PERCENT)
  return Math.min(isNearlyUsed ? Math.max(regainMs, NEARLY_USED_PAUSE_MS) : regainMs, MAX_PAUSE_MS)
}

/** One object, or for business use cases some for each business. */
function usagesIn(text: string | null): Record<string, unknown>[] {
  if (text === null) return []
  try {
    const usage: unknown = JSON.parse(text)
    if (!isRecord(usage)) return []
    return [usage, ...Object.values(usage).flat().filter(isRecord)]
  } catch {
    return []
  }
}

/** Between half and all of it, so that many who failed together do not come back together. */
export function jittered(ms: number): number {
  return Math.round(ms * (0.5 + Math.random() / 2))
}

const MAX_LONGER_MS = 10 * MINUTE_MS

/** A pause that is not to be shortened, up to half as long again: those who are told the same come back one by one. */
export function lengthened(ms: number): number {
  return ms + Math.round(Math.min(ms / 2, MAX_LONGER_MS) * Math.random())
}

/** What the platform puts around lists. */
export function dataIn(list: unknown): Record<string, unknown>[] {
  return isRecord(list) && Array.isArray(list.data) ? list.data.filter(isRecord) : []
}
