import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { endWithNpm } from './end-with-npm.mjs'
import { ensureInstalled, nodeBinary } from './install.mjs'

// `npm test`: lint, types, dead code, then all tests; every stage runs, and one that fails makes all fail.
// `npm run torture`: only the tests that take longer than a file of `npm test` may.

const BUDGET_SECONDS = 480

process.chdir(fileURLToPath(new URL('.', import.meta.url)))
ensureInstalled({ development: true })
endWithNpm()

const torture = process.argv.includes('--torture')
const ci = process.env.CI === 'true'
const node = nodeBinary()
const startedAt = performance.now()
/** @type {{ name: string, passed: boolean, seconds: number }[]} */
const stages = []
/** @type {import('node:child_process').ChildProcess | undefined} */
let running
/** @type {NodeJS.Signals | undefined} */
let interrupted

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    interrupted = signal
    running?.kill(signal)
  })
}

// It starts while the first stages run.
const server = process.env.TEST_DATABASE_URL ? undefined : startServer()

if (!torture) {
  await stage('lint and format', ['node_modules/@biomejs/biome/bin/biome', 'check', '.'])
  await stage('types', ['node_modules/typescript/bin/tsc', '--noEmit', '-p', 'tsconfig.json'])
  await stage('dead code', ['node_modules/knip/bin/knip.js'])
}
const postgres = (await server?.answer) ?? { url: process.env.TEST_DATABASE_URL }
const counts = await runTests()
await server?.stop()
if (interrupted) process.exit(128 + constants.signals[interrupted])

// A reader of the end of a long log looks for Node's own counts and for what was left out. Where a test failed the counts
// stand above a long report, and so are told once more.
const seconds = secondsSince(startedAt)
for (const { name, passed, seconds } of stages) console.log(`${passed ? 'passed' : 'FAILED'}  ${name}, ${seconds} s`)
console.log(torture ? `${seconds} s in all` : `${seconds} s in all, of a budget of ${BUDGET_SECONDS} s`)
if (counts !== '') console.log(counts)
if (postgres.unavailable) {
  console.log(`POSTGRESQL WAS NOT TESTED, ALL TESTS RAN ON SQLITE ALONE: ${postgres.unavailable}`)
  if (ci) console.log('WITH CI=true THAT IS A FAILURE')
}
process.exitCode = stages.every(({ passed }) => passed) && !(ci && postgres.unavailable) ? 0 : 1

/**
 * Runs all test files, two at a time, each in its own process.
 *
 * @returns {Promise<string>} the closing lines of Node's test runner where they are not the last ones already
 */
async function runTests() {
  const files = torture ? filesEnding('server/test/torture', '.torture.ts') : filesEnding('server', '.test.ts')
  if (files.length === 0) return 'NO TEST FILES'
  const folder = mkdtempSync(join(tmpdir(), 'dynamo-npm-test-'))
  const tap = join(folder, 'tests.tap')
  const reporters = ['spec', 'stdout', 'tap', tap].map((value, index) =>
    index % 2 ? `--test-reporter-destination=${value}` : `--test-reporter=${value}`,
  )
  const limits = torture ? ['--test-concurrency=1'] : ['--test-concurrency=2', '--import=./server/test/file-limit.ts']
  const env = { ...withoutSettings(), NODE_COMPILE_CACHE: join(process.cwd(), 'node_modules/.cache/dynamo') }
  if (postgres.url) env.TEST_DATABASE_URL = postgres.url
  else env.TEST_POSTGRES_UNAVAILABLE = postgres.unavailable
  await stage('tests', ['--test', ...limits, ...reporters, ...files], env)
  const lines = existsSync(tap)
    ? readFileSync(tap, 'utf8').match(/^# (tests|suites|pass|fail|cancelled|skipped|todo) \d+$/gm)
    : []
  rmSync(folder, { recursive: true })
  return stages.at(-1)?.passed ? '' : (lines ?? []).join('\n')
}

/** Runs one program with Node 26 and our standard output, and notes whether it passed. */
async function stage(name, args, env = process.env) {
  if (interrupted) return
  console.log(`\n=== ${name} ===`)
  const from = performance.now()
  running = spawn(node, args, { stdio: ['ignore', 'inherit', 'inherit'], env })
  const code = await new Promise((resolve) => {
    running.on('error', (error) => {
      console.error(error.message)
      resolve(1)
    })
    running.on('exit', resolve)
  })
  running = undefined
  stages.push({ name, passed: code === 0, seconds: secondsSince(from) })
}

/** The PostgreSQL server of this run; it goes away when our end of its standard input is closed, whatever closes it. */
function startServer() {
  const keeper = spawn(node, ['server/test/postgres-server.ts'], { stdio: ['pipe', 'pipe', 'inherit'], detached: true })
  const ended = once(keeper, 'exit').catch(() => {})
  const silent = ended.then(() => ['{"unavailable":"its process ended without an answer"}'])
  const answer = Promise.race([once(createInterface(keeper.stdout), 'line'), silent]).then(([line]) => JSON.parse(line))
  const stop = () => {
    keeper.stdin.end()
    return ended
  }
  return { answer, stop }
}

function filesEnding(folder, end) {
  if (!existsSync(folder)) return []
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return names
    .filter((name) => name.endsWith(end) && !name.includes('node_modules'))
    .sort()
    .map((name) => join(folder, name))
}

/** The environment without the product's settings: what a shell happens to hold must not reach a test. */
function withoutSettings() {
  const settings = readFileSync('.env.example', 'utf8').matchAll(/^#?([A-Z_]+)=/gm)
  const env = { ...process.env }
  for (const [, name] of settings) delete env[name]
  return env
}

function secondsSince(from) {
  return Math.round((performance.now() - from) / 100) / 10
}
