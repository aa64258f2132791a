import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { loadSample } from '../sample/load-sample.ts'
import { openStore } from '../src/database/open-store.ts'
import { createSecrets, loadMasterKey } from '../src/secrets.ts'
import { type RunningServer, serveDynamo } from './cli.ts'
import { type Block, blocksOf, cleanEnvironment, listDocuments, readDocument, root } from './documents.ts'

// Every `bash` and `ts` block of the README and the guides is run, a document's in order by one shell in a folder of its
// own, beside one server with a small sample; `json` and `text` blocks are what the block before them prints.

const CUSTOMERS = 200
const ADDRESS = 'http://127.0.0.1:4000'
/** Stands before the output of each block. */
const SEPARATOR = '\u001e'

/** The documents that take longest, each a file's worth of time. */
export const LONG = ['README.md', 'docs/command-line.md']
export const FACTS = ['docs/import.md', 'docs/report-users.md']
export const OTHERS = listDocuments().filter(
  (path) => /^docs\/[^/]+\.md$/.test(path) && ![...LONG, ...FACTS].includes(path),
)

let folder: string
let server: RunningServer

/** Runs the examples of these documents. */
export function exampleSuite(paths: string[]): void {
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
  describe('side by side', { concurrency: 2 }, () => runExamplesOf(paths.filter((path) => path !== ALONE)))
  describe('alone', () => runExamplesOf(paths.filter((path) => path === ALONE)))
}

async function loadSmallSample(dataDir: string): Promise<void> {
  const store = await openStore({ databaseUrl: null, dataDir, masterKey: null })
  const secrets = createSecrets(loadMasterKey({ masterKey: null, dataDir }))
  const asOf = Temporal.Now.plainDateISO('UTC')
  await loadSample(store, secrets, { asOf, publicUrl: ADDRESS, customers: CUSTOMERS })
  await store.close()
}

// erasing somebody ends the exports that another guide fetches
const ALONE = 'docs/privacy.md'

function runExamplesOf(paths: string[]): void {
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
  const env = cleanEnvironment({
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
