import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import type { Server as HttpServer } from 'node:http'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'

export interface Server {
  baseUrl: string
  /** resident memory, MiB */
  residentMiB: () => number
  stop: () => Promise<void>
}

/** How long a server may take until it answers. */
const START_MS = 30_000

/** `dynamo serve` as it is used: a process of its own, with metrics, and its log going to the null device. */
export async function startDynamo(env: Record<string, string>): Promise<Server> {
  const port = await freePort()
  const program = fileURLToPath(new URL('../bin/dynamo.mjs', import.meta.url))
  const child = spawn(process.execPath, [program, 'serve'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, ...env, PORT: `${port}` },
  })
  const baseUrl = `http://127.0.0.1:${port}`
  const deadline = Date.now() + START_MS
  while (!(await isReady(baseUrl))) {
    if (child.exitCode !== null || Date.now() > deadline) throw new Error('dynamo serve does not answer')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return asServer(child, baseUrl)
}

/** A server that says how much processor time it has taken since it was last asked, in µs. */
export interface ScriptServer extends Server {
  takenMicros: () => Promise<number>
}

/** A script of this folder that calls `tellBenchmark`. */
export async function startScript(
  name: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<ScriptServer> {
  const child = fork(fileURLToPath(new URL(name, import.meta.url)), args, { env: { ...process.env, ...env } })
  const [message] = await Promise.race([once(child, 'message'), once(child, 'exit').then(() => [null])])
  if (message === null) throw new Error(`${name} does not start`)
  return {
    ...asServer(child, `http://127.0.0.1:${message.port}`),
    async takenMicros() {
      child.send('taken')
      const [{ takenMicros }] = await once(child, 'message')
      return takenMicros
    },
  }
}

/** In a script: says on which port it listens, answers the benchmark's questions, and ends with the benchmark. */
export function tellBenchmark(server: HttpServer): void {
  let last = process.cpuUsage()
  process.on('message', () => {
    const { user, system } = process.cpuUsage(last)
    last = process.cpuUsage()
    process.send?.({ takenMicros: user + system })
  })
  process.on('disconnect', () => process.exit())
  const address = server.address()
  process.send?.({ port: typeof address === 'object' ? address?.port : null })
}

function asServer(child: ChildProcess, baseUrl: string): Server {
  return {
    baseUrl,
    residentMiB: () => residentKiB(`${child.pid}`) / 1024,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exit = once(child, 'exit')
      child.kill()
      await exit
    },
  }
}

/** Where the system tells it in a file nothing waits for it: another program's start would stand in the times measured. */
function residentKiB(pid: string): number {
  const status = `/proc/${pid}/status`
  if (!existsSync(status)) return Number(execFileSync('ps', ['-o', 'rss=', '-p', pid], { encoding: 'utf8' }))
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(status, 'utf8'))?.[1])
}

async function isReady(baseUrl: string): Promise<boolean> {
  const answer = await fetch(`${baseUrl}/readyz`).catch(() => null)
  return answer?.ok ?? false
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}
