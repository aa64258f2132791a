import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, normalize } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import type { Command } from 'commander'
import { loadSample } from '../sample/load-sample.ts'
import { createProgram } from '../src/commands/program.ts'
import { settingsTable } from '../src/config.ts'
import { openStore } from '../src/database/open-store.ts'
import { createSecrets, loadMasterKey } from '../src/secrets.ts'
import { writes } from '../src/writes.ts'
import { type RunningServer, serveDynamo } from './cli.ts'
import {
  anchorsOf,
  type Block,
  blocksOf,
  listDocuments,
  localLinksOf,
  readDocument,
  root,
  tableRowsOf,
} from './documents.ts'

// Every `bash` and `ts` block of the README and the guides is run, a document's in order by one shell in a folder of its
// own, beside one server with a small sample; `json` and `text` blocks are what the block before them prints.

const CUSTOMERS = 200
const ADDRESS = 'http://127.0.0.1:4000'
/** Stands before the output of each block. */
const SEPARATOR = '\u001e'

const settings = settingsTable()
const guides = listDocuments().filter((path) => path === 'README.md' || /^docs\/[^/]+\.md$/.test(path))

let folder: string
let server: RunningServer

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dynamo-docs-'))
  const dataDir = join(folder, 'data')
  await loadSmallSample(dataDir)
  // as the guide to a channel has them
  const meta = { META_APP_SECRET: 'an-app-secret', META_VERIFY_TOKEN: 'a-verify-token' }
  server = await serveDynamo({ DYNAMO_DATA_DIR: dataDir, ...meta })
})
after(async () => {
  await server.stop()
  await rm(folder, { recursive: true, force: true })
})

async function loadSmallSample(dataDir: string): Promise<void> {
  const store = await openStore({ databaseUrl: null, dataDir, masterKey: null }, writes)
  const secrets = createSecrets(loadMasterKey({ masterKey: null, dataDir }))
  const asOf = Temporal.Now.plainDateISO('UTC')
  await loadSample(store, secrets, { asOf, publicUrl: ADDRESS, customers: CUSTOMERS })
  await store.close()
}

// erasing somebody ends the exports that another guide fetches
const ALONE = 'docs/privacy.md'

describe('documents', { concurrency: 3 }, () => runGuides(guides.filter((path) => path !== ALONE)))
describe('the document on privacy', () => runGuides([ALONE]))

function runGuides(paths: string[]): void {
  for (const path of paths) {
    const blocks = blocksOf(readDocument(path))
    const examples = blocks.filter(({ language }) => language === 'bash' || language === 'ts')
    if (examples.length === 0) continue
    test(`every example in ${path} does what the document says`, async () => {
      const own = join(folder, path.replaceAll(/\W/g, '-'))
      await mkdir(own)
      await symlink(join(folder, 'data'), join(own, 'data'))
      const outputs = await runExamples(own, examples)
      for (const [index, shown] of blocks.entries()) {
        const compare = COMPARISONS[shown.language]
        if (!compare) continue
        const output = outputs.get(blocks[index - 1])
        assert.ok(output !== undefined, `${path}:${shown.line}: shows what no example before it prints`)
        compare(output, shown.text, `${path}:${shown.line}`)
      }
    })
  }
}

const COMPARISONS: Record<string, (output: string, shown: string, where: string) => void> = {
  json: compareJson,
  text: compareText,
}

async function runExamples(own: string, examples: Block[]): Promise<Map<Block | undefined, string>> {
  const script = [PRELUDE]
  for (const [index, { language, text }] of examples.entries()) {
    const here = text.replaceAll(ADDRESS, server.url)
    if (language === 'ts') await writeFile(join(own, `example-${index}.mts`), here)
    script.push(language === 'ts' ? `"$DYNAMO_NODE" example-${index}.mts` : here)
  }
  const env = environment({
    PORT: new URL(server.url).port,
    DYNAMO_NODE: process.execPath,
    DYNAMO_PROGRAM: join(root, 'server/bin/dynamo.mjs'),
  })
  const whole = script.join(`\nprintf '${SEPARATOR}'\n`)
  const { stdout } = await promisify(execFile)('bash', ['-c', whole], { cwd: own, env })
  return new Map(examples.map((block, index) => [block, stdout.split(SEPARATOR)[index + 1] ?? '']))
}

/** In the checkout `npx dynamo` is this program; how npx finds it there is a test of its own. */
const PRELUDE = `set -euo pipefail
npx() { shift; "$DYNAMO_NODE" "$DYNAMO_PROGRAM" "$@"; }`

/** Of the environment only what finds programs: what a shell happens to hold must not reach an example. */
function environment(own: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { PATH = '', HOME } = process.env
  return {
    HOME,
    PATH: `${dirname(process.execPath)}:${PATH}`,
    NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/dynamo'),
    ...own,
  }
}

/** Values are of the day and the sample; names and nesting are what a reader builds on. */
function compareJson(output: string, shown: string, where: string): void {
  assert.deepEqual(shapeOf(JSON.parse(output)), shapeOf(JSON.parse(shown)), where)
}

function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(shapeOf)
  if (typeof value !== 'object' || value === null) return 'value'
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shapeOf(inner)]))
}

/** `…` stands for what differs from run to run, be it lines. */
function compareText(output: string, shown: string, where: string): void {
  const pattern = shown.trimEnd().split('…').map(RegExp.escape).join('[^]*')
  assert.match(output.trimEnd(), new RegExp(`^${pattern}$`), where)
}

test('every link from a document into the repository leads somewhere', () => {
  const broken = listDocuments().flatMap((path) =>
    localLinksOf(readDocument(path))
      .filter((link) => !leadsSomewhere(path, link))
      .map((link) => `${path}: ${link}`),
  )
  assert.deepEqual(broken, [])
})

function leadsSomewhere(path: string, link: string): boolean {
  const [file = '', anchor] = link.split('#')
  const target = file === '' ? path : normalize(join(dirname(path), file))
  if (!existsSync(join(root, target))) return false
  return anchor === undefined || anchorsOf(readDocument(target)).includes(anchor)
}

test("the README's table of settings is the one that the settings' schema makes", () => {
  const names = new Set(settings.map(({ name }) => `\`${name}\``))
  const rows = tableRowsOf(readDocument('README.md')).filter(([name = '']) => names.has(name))
  const code = (text: string) => (text === '' ? '' : `\`${text}\``)
  assert.deepEqual(
    rows,
    settings.map((setting) => [code(setting.name), code(setting.default), setting.meaning]),
  )
})

test('each alert is on a metric that a server has', async () => {
  const rules = readFileSync(join(root, 'docs/prometheus-alerts.yml'), 'utf8')
  const names = [...new Set(rules.match(/dynamo_[a-z_]+/g))].map((name) => name.replace(/_(?:bucket|count|sum)$/, ''))
  assert.ok(names.length > 5)
  const metrics = await (await fetch(`${server.url}/metrics`)).text()
  for (const name of names) assert.match(metrics, new RegExp(`^# TYPE ${name} `, 'm'))
})

test('.env.example names every setting, with its default where there is one', () => {
  const lines = readFileSync(join(root, '.env.example'), 'utf8').matchAll(/^(#?)([A-Z\d_]+)=(.*)$/gm)
  const named = [...lines].map(([, mark, name, value]) => ({ name, default: mark === '#' ? '' : value }))
  const byName = (one: { name?: string | undefined }, other: { name?: string | undefined }) =>
    String(one.name) < String(other.name) ? -1 : 1
  assert.deepEqual(
    named.sort(byName),
    settings.map(({ name, default: value }) => ({ name, default: value })).sort(byName),
  )
})

test('the page of the command line has every command with each of its options, and no others', () => {
  const sections = readDocument('docs/command-line.md').split(/^### /m).slice(1)
  const written = sections.map((section) => {
    const [, name = ''] = /^`dynamo ([a-z -]+?)(?: [A-Z]+)*`$/m.exec(section) ?? []
    // the section's last lines may already lead to the next part of the page
    const own = section.split(/^## /m)[0] ?? ''
    const options = tableRowsOf(own).flatMap(([cell = '']) => cell.match(/--[a-z-]+(?: <\w+>| \[\w+\])?/g) ?? [])
    return [name, options.sort()]
  })
  assert.deepEqual(Object.fromEntries(written), Object.fromEntries(commandsOf(createProgram(), [])))
})

function commandsOf(command: Command, path: string[]): [name: string, options: string[]][] {
  if (command.commands.length > 0) {
    return command.commands.flatMap((inner) => commandsOf(inner, [...path, inner.name()]))
  }
  const options = command.options.filter((option) => !option.hidden && option.long !== '--json')
  return [[path.join(' '), options.map((option) => option.flags).sort()]]
}

test('npx finds the command in the checkout', async () => {
  const { stdout } = await promisify(execFile)('npx', ['--no', '--', 'dynamo', '--help'], {
    cwd: root,
    env: environment({}),
  })
  for (const command of createProgram().commands) assert.ok(stdout.includes(`  ${command.name()}`), command.name())
})
