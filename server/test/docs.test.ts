import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import type { Command } from 'commander'
import { createProgram } from '../src/commands/program.ts'
import { settingsTable } from '../src/config.ts'
import { openTestStore } from './app.ts'
import { serveDynamo } from './cli.ts'
import {
  anchorsOf,
  cleanEnvironment,
  listDocuments,
  localLinksOf,
  readDocument,
  root,
  tableRowsOf,
} from './documents.ts'

const settings = settingsTable()

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
  const { env, remove } = await openTestStore()
  const server = await serveDynamo({ ...env, META_APP_SECRET: 'an-app-secret', META_VERIFY_TOKEN: 'a-verify-token' })
  const metrics = await (await fetch(`${server.url}/metrics`)).text()
  for (const name of names) assert.match(metrics, new RegExp(`^# TYPE ${name} `, 'm'))
  await server.stop()
  await remove()
})

test('.env.example names every setting, with its default where there is one, and sets none', () => {
  const lines = [...readFileSync(join(root, '.env.example'), 'utf8').matchAll(/^(#?)([A-Z\d_]+)=(.*)$/gm)]
  assert.deepEqual(
    lines.filter(([, mark]) => mark === ''),
    [],
  )
  const defaults = new Map(settings.map((setting) => [setting.name, setting.default]))
  // where there is none, what stands there is an example
  const named = lines.map(([, , name = '', value]) => ({ name, default: defaults.get(name) === '' ? '' : value }))
  const byName = (one: { name: string }, other: { name: string }) => (one.name < other.name ? -1 : 1)
  assert.deepEqual(
    named.sort(byName),
    settings.map(({ name, default: value }) => ({ name, default: value })).sort(byName),
  )
})

test('the addresses that are shown in quotes are what a shell reads', async () => {
  const quoted = ['docs/operate.md', '.env.example'].flatMap(
    (path) => readDocument(path).match(/DATABASE_URL='.*/g) ?? [],
  )
  assert.equal(quoted.length, 2)
  for (const line of quoted) {
    const script = `set -a; eval "$1"; set +a; ${process.execPath} -p process.env.DATABASE_URL`
    const { stdout } = await promisify(execFile)('bash', ['-c', script, 'bash', line], { env: cleanEnvironment({}) })
    assert.match(stdout, /^postgres\S*\?sslmode=disable&application_name=dynamo\n$/)
  }
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
  assert.deepEqual(
    Object.fromEntries(written),
    Object.fromEntries(leavesOf(createProgram(), []).map(([name, command]) => [name, optionsOf(command)])),
  )
})

test('help and page mark the same options as required, and each command says by itself what it does', () => {
  const page = readDocument('docs/command-line.md')
  for (const [name, command] of leavesOf(createProgram(), [])) {
    assert.match(command.description(), /^\w+ (?!it\b|one\b).*\w\w/, name)
    const section = page.split(/^### /m).find((text) => text.startsWith(`\`dynamo ${name}`)) ?? ''
    for (const option of command.options) {
      const [, meaning = ''] = tableRowsOf(section).find(([cell]) => cell?.includes(`\`${option.flags}\``)) ?? []
      const marked = command.createHelp().optionDescription(option).endsWith('(required)')
      assert.deepEqual(
        [marked, meaning.startsWith('required')],
        [option.mandatory, option.mandatory],
        `${name} ${option.long}`,
      )
    }
  }
})

function leavesOf(command: Command, path: string[]): [name: string, command: Command][] {
  if (command.commands.length === 0) return [[path.join(' '), command]]
  return command.commands.flatMap((inner) => leavesOf(inner, [...path, inner.name()]))
}

function optionsOf(command: Command): string[] {
  const options = command.options.filter((option) => !option.hidden && option.long !== '--json')
  return options.map((option) => option.flags).sort()
}

test('npx finds the command in the checkout', async () => {
  const { stdout } = await promisify(execFile)('npx', ['--no', '--', 'dynamo', '--help'], {
    cwd: root,
    env: cleanEnvironment({}),
  })
  for (const command of createProgram().commands) assert.ok(stdout.includes(`  ${command.name()}`), command.name())
})
