import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path/posix'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const LINES_PER_FILE = 400

/** What is in the repository or would be added to it, as paths from its root. */
const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
const files = new Map<string, string>()
for (const path of new Set(listed.split('\n'))) {
  if (!/\.(ts|tsx|js|jsx|mjs|cjs|sql|json)$/.test(path) || !existsSync(join(root, path))) continue
  files.set(path, readFileSync(join(root, path), 'utf8'))
}
const filesMatching = (pattern: RegExp) => [...files].filter(([path]) => pattern.test(path))

test('a file of code has at most 400 lines, or its first line says why not', () => {
  const code = filesMatching(/\.(ts|tsx|js|jsx|mjs|cjs|sql)$/)
  const long = code.filter(([, text]) => lineCount(text) > LINES_PER_FILE && !givesReason(text))
  assert.deepEqual(
    long.map(([path, text]) => `${path}: ${lineCount(text)} lines`),
    [],
  )
})

test('no file of the server needs itself, by whatever way around', () => {
  const graph = new Map<string, string[]>()
  for (const [path, text] of filesMatching(/^server\/.*\.ts$/)) graph.set(path, importsOf(path, text))
  assert.deepEqual(cyclesOf(graph), [])
})

test('imports of values make a cycle, imports of types alone do not', () => {
  const first = "import { b } from './b.ts'\nimport type { C } from './c.ts'\n"
  const second = "export {\n  type C,\n} from '../a/c.ts'\nimport fs from 'node:fs'\n"
  const third = "export const c = 1\nimport './a.ts'\n"
  const graph = new Map([
    ['a/a.ts', importsOf('a/a.ts', first)],
    ['a/b.ts', importsOf('a/b.ts', second)],
    ['a/c.ts', importsOf('a/c.ts', third)],
  ])
  assert.deepEqual(graph.get('a/a.ts'), ['a/b.ts'])
  assert.deepEqual(cyclesOf(graph), ['a/a.ts → a/b.ts → a/c.ts → a/a.ts'])
  graph.set('a/c.ts', [])
  assert.deepEqual(cyclesOf(graph), [])
})

test('every test has a title of its own', () => {
  const places = new Map<string, string[]>()
  for (const [path, text] of filesMatching(/\.(test|torture)\.ts$/)) {
    for (const title of titlesOf(text)) places.set(title, [...(places.get(title) ?? []), path])
  }
  assert.deepEqual(
    [...places].filter(([, paths]) => paths.length > 1),
    [],
  )
})

test('titles are found however a test is declared', () => {
  const call = (name: string, rest: string) => `${name}(${rest}\n`
  const text =
    call('test', "'one is one', () => {") +
    call('  await t.test', '`two of $name are two`, async (t) => {') +
    call('onBothStores', "\n  'three don\\'t fail', { plan: 1 }, async ({ db }) => {") +
    call('describe', "'a group of tests', () => {") +
    call('app.get', "'/path', (request) => {")
  assert.deepEqual(titlesOf(text), ['one is one', 'two of $name are two', "three don\\'t fail"])
})

test('every dependency is of one exact version', () => {
  const ranges = filesMatching(/(^|\/)package\.json$/).flatMap(([path, text]) => {
    const { dependencies, devDependencies, optionalDependencies } = JSON.parse(text)
    const versions: [string, string][] = Object.entries({
      ...dependencies,
      ...devDependencies,
      ...optionalDependencies,
    })
    return versions.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)).map((entry) => [path, ...entry])
  })
  assert.deepEqual(ranges, [])
})

test('the lock file names no address, so that each package comes from the registry in use, with its checksum', () => {
  type Entry = { resolved?: string; integrity?: string; link?: boolean }
  const packages: Record<string, Entry> = JSON.parse(files.get('package-lock.json') ?? '{}').packages
  const installed = Object.entries(packages).filter(([place, { link }]) => place.includes('node_modules/') && !link)
  const foreign = installed.filter(([, { resolved, integrity }]) => {
    return !integrity || resolved !== undefined
  })
  assert.ok(installed.length > 0)
  assert.deepEqual(foreign, [])
})

function lineCount(text: string): number {
  return text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
}

function givesReason(text: string): boolean {
  return /^(\/\/|\/\*|--)\s*\S+(\s+\S+){3}/.test(text.split('\n', 1)[0] ?? '')
}

/** The files of the repository whose code must have run before that of `path` can. */
function importsOf(path: string, text: string): string[] {
  // Statements begin a line: Biome formats them so. `import { type A }` loads the file, `import type { A }` does not.
  const statements = text.matchAll(/^(?:import|export)\s+(?!type\b)(?:[\w$*{][^'"`;=]*?\bfrom\s*)?['"](\.[^'"]+)['"]/gm)
  return [...statements].map(([, target = '']) => normalize(join(dirname(path), target)))
}

/** Each cycle once, as `a → b → a`, begun at the file that was met first. */
function cyclesOf(graph: Map<string, string[]>): string[] {
  const cycles: string[] = []
  const done = new Set<string>()
  const visit = (path: string, way: string[]): void => {
    const start = way.indexOf(path)
    if (start >= 0) cycles.push([...way.slice(start), path].join(' → '))
    if (start >= 0 || done.has(path)) return
    for (const target of graph.get(path) ?? []) visit(target, [...way, path])
    done.add(path)
  }
  for (const path of graph.keys()) visit(path, [])
  return cycles
}

/** First arguments that are a sentence, of calls that go on with a function or with options: `test`, and what wraps it. */
function titlesOf(text: string): string[] {
  const calls = text.matchAll(
    /^[ \t]*(?:await )?([\w.]+)\(\s*(['"`])((?:\\.|(?!\2)[^\\])*)\2,\s*(?=async\b|function\b|\(|\{|\w+\s*=>)/gm,
  )
  const sentences = [...calls].filter(
    ([, name, , title = '']) => !/\b(describe|suite)$/.test(name ?? '') && title.includes(' '),
  )
  return sentences.map(([, , , title = '']) => title)
}
