import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { type Credentials, sign } from './signed.ts'

const END_WITH_PARENT = new URL('./end-with-parent.ts', import.meta.url).href
/** The program, to be run by Node. */
export const DYNAMO = fileURLToPath(new URL('../bin/dynamo.mjs', import.meta.url))

export interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

/** Runs `dynamo` as a process of its own, with these settings and no others. */
export async function dynamo(settings: Record<string, string>, args: string[], input = ''): Promise<Ended> {
  const child = start(settings, args)
  child.stdin?.end(input)
  const [stdout, stderr] = await Promise.all([read(child.stdout), read(child.stderr), once(child, 'close')])
  return { code: child.exitCode, stdout, stderr }
}

/** What a command that must not fail prints, without the line break. */
export async function dynamoPrints(settings: Record<string, string>, args: string[], input = ''): Promise<string> {
  const { code, stdout, stderr } = await dynamo(settings, args, input)
  if (code !== 0) throw new Error(`dynamo ${args.join(' ')} ended with ${code}: ${stderr}`)
  return stdout.trimEnd()
}

export interface RunningServer {
  url: string
  process: ChildProcess
  /** all that it has written so far: the log, and what it says beside it */
  output: () => string
  stop: () => Promise<Ended['code']>
}

/** Starts `dynamo serve` on a free port and waits until it listens. */
export async function serveDynamo(settings: Record<string, string>, args: string[] = []): Promise<RunningServer> {
  const child = start(
    { PORT: '0', LOG_LEVEL: 'silent', ...settings },
    ['serve', ...args],
    ['--import', END_WITH_PARENT],
  )
  if (!child.stdout || !child.stderr) throw new Error('The server has no output')
  const closed = once(child, 'close')
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => {
      output += part
    })
  }
  for await (const line of createInterface(child.stdout)) {
    const [, url] = /^(?:Dynamo listens on |\{"baseUrl":")([^\s"]+)/.exec(line) ?? []
    if (url === undefined) continue
    child.stdout.resume()
    return { url, process: child, output: () => output, stop: () => stop(child, closed) }
  }
  await closed
  throw new Error(`The server ended before it listened: ${output}`)
}

async function stop(child: ChildProcess, closed: Promise<unknown>): Promise<number | null> {
  child.kill('SIGTERM')
  await closed
  return child.exitCode
}

/** A signed POST, as any client of the API makes it. */
export function postSigned(url: string, key: Credentials, body: object): Promise<Response> {
  const headers = { 'content-type': 'application/json', ...sign(key, new Date().toISOString()) }
  return fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
}

/** A signed GET, and what it answers. */
export async function getSigned<T>(url: string, key: Credentials): Promise<T> {
  const response = await fetch(url, { headers: sign(key, new Date().toISOString()) })
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
  // the caller knows the operation that it asks
  return (await response.json()) as T
}

function start(settings: Record<string, string>, args: string[], nodeArgs: string[] = []): ChildProcess {
  const { PATH = '', HOME = '' } = process.env
  // what it leaves beside it, such as rejected rows, goes with the test's folder
  const folder = settings.DYNAMO_DATA_DIR
  const cwd = folder !== undefined && existsSync(folder) ? folder : undefined
  return spawn(process.execPath, [...nodeArgs, DYNAMO, ...args], { cwd, env: { PATH, HOME, ...settings } })
}

function read(stream: ChildProcess['stdout']): Promise<string> {
  return stream ? text(stream) : Promise.resolve('')
}
