import { createHmac } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { samplePath } from '../../sample/sample-file.ts'
import { loadConfig } from '../config.ts'
import { CommandError } from './command-error.ts'
import { type CommonOptions, printJson, say } from './output.ts'

interface Options extends CommonOptions {
  data?: string
  key?: string
  secret?: string
  url?: string
}

interface Target {
  apiKey: string
  secret: string
  url: string
}

/**
 * Signs and sends like `curl`; the body goes to standard output as it came, with `--json` as `body` beside the `status`;
 * exit code 1 for any status but 2xx.
 */
export async function run(method: string, path: string, options: Options): Promise<void> {
  if (!path.startsWith('/')) throw new CommandError("The path begins with a slash: '/vip-users?workspaceId=…'", 2)
  if (options.secret !== undefined) {
    say('Warning: other users of this machine can see arguments; put the secret into DYNAMO_SECRET')
  }
  const { apiKey, secret, url } = await findTarget(options)
  const date = new Date().toISOString()
  const headers: Record<string, string> = {
    'x-api-key': apiKey,
    'x-date': date,
    'x-signature': createHmac('sha256', secret).update(date).digest('hex'),
    ...(options.data !== undefined && { 'content-type': 'application/json' }),
  }
  const response = await send(url + path, { method: method.toUpperCase(), headers, body: options.data ?? null })
  const body = await response.text()
  if (options.json) printJson({ status: response.status, body: parsed(body) })
  else if (body !== '') process.stdout.write(`${body}\n`)
  if (response.ok) return
  say(`${response.status} ${response.statusText}`)
  process.exitCode = 1
}

/** What is no JSON, as an export's file, stays text; null where there is nothing. */
function parsed(body: string): unknown {
  if (body === '') return null
  try {
    return JSON.parse(body)
  } catch {
    return body
  }
}

async function send(address: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(address, init)
  } catch (error) {
    const { origin } = new URL(address)
    const cause: NodeJS.ErrnoException | null =
      error instanceof Error && error.cause instanceof Error ? error.cause : null
    if (cause?.code === 'ERR_SSL_WRONG_VERSION_NUMBER') throw new CommandError(`${origin} answers http, not https`)
    throw new CommandError(`${origin} does not answer (${cause?.message ?? error}): is the server running?`)
  }
}

/**
 * Options first, then the environment, then the sample's. Where the server listens is written beside the store: its settings
 * are not those of the shell that asks.
 */
async function findTarget(options: Options): Promise<Target> {
  const { DYNAMO_KEY, DYNAMO_SECRET, DYNAMO_URL } = process.env
  const apiKey = options.key ?? DYNAMO_KEY
  const secret = options.secret ?? DYNAMO_SECRET
  if ((apiKey === undefined) !== (secret === undefined)) {
    throw new CommandError('A key needs its secret: set both DYNAMO_KEY and DYNAMO_SECRET', 2)
  }
  const config = loadConfig(process.env)
  const sample = await readSample(samplePath(config.dataDir))
  const url = trimmed(options.url ?? DYNAMO_URL ?? sample?.url ?? config.publicUrl)
  if (apiKey !== undefined && secret !== undefined) return { apiKey, secret, url }
  if (!sample) throw new CommandError('There is no sample to ask as: set DYNAMO_KEY, DYNAMO_SECRET and DYNAMO_URL')
  return { ...sample, url }
}

/** @returns null where there is none to be read */
async function readSample(path: string): Promise<Target | null> {
  try {
    const { baseUrl, apiKey, secret } = JSON.parse(await readFile(path, 'utf8'))
    return { apiKey, secret, url: baseUrl }
  } catch {
    return null
  }
}

function trimmed(url: string): string {
  if (!URL.canParse(url)) throw new CommandError(`${url} is no address: it looks like http://127.0.0.1:4000`, 2)
  return url.replace(/\/+$/, '')
}
