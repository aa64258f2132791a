import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
// @ts-expect-error: plain JavaScript, which runs before there is a compiler
import { missingPackages } from '../../install.mjs'

type Packages = Record<string, Record<string, string | boolean>>

const wanted: Packages = {
  '': { name: 'root' },
  server: { version: '0.1.0' },
  'node_modules/pg': { version: '8.0.0' },
  'node_modules/knip': { version: '6.0.0', dev: true },
  'node_modules/fsevents': { version: '2.0.0', optional: true },
  'node_modules/typescript': { version: '7.0.0', devOptional: true },
  'node_modules/@dynamo/server': { resolved: 'server', link: true },
}
const complete: Packages = Object.fromEntries(Object.entries(wanted).filter(([place]) => !place.endsWith('fsevents')))

let checkout: string
beforeEach(() => {
  checkout = mkdtempSync(join(tmpdir(), 'dynamo-install-'))
  write('package-lock.json', { packages: wanted })
  install(complete)
})
afterEach(() => rmSync(checkout, { recursive: true }))

test('a complete node_modules lacks nothing, whatever optional packages the platform cannot have', () => {
  assert.deepEqual(missing(), [])
})

test('a package that is absent, of another version or without its folder is missing', () => {
  const { 'node_modules/pg': pg, ...others } = complete
  install(others)
  assert.deepEqual(missing(), ['node_modules/pg'])
  install({ ...others, 'node_modules/pg': { ...pg, version: '7.9.9' } })
  assert.deepEqual(missing(), ['node_modules/pg'])
  install(complete)
  rmSync(join(checkout, 'node_modules/pg'), { recursive: true })
  assert.deepEqual(missing(), ['node_modules/pg'])
})

test('after an interrupted installation, which has no list of what is there, everything is missing', () => {
  rmSync(join(checkout, 'node_modules/.package-lock.json'))
  assert.equal(missing().length, 4)
  write('node_modules/.package-lock.json', '{ "packages": {')
  assert.equal(missing().length, 4)
})

test('a workspace that is not linked is missing', () => {
  rmSync(join(checkout, 'node_modules/@dynamo'), { recursive: true })
  assert.deepEqual(missing(), ['node_modules/@dynamo/server'])
})

test('the service starts without the packages that only tests need', () => {
  const { 'node_modules/knip': _, 'node_modules/typescript': __, ...production } = complete
  install(production)
  assert.deepEqual(missing(false), [])
  assert.deepEqual(missing(true), ['node_modules/knip', 'node_modules/typescript'])
})

function missing(development = true): string[] {
  return missingPackages(checkout, development)
}

function install(packages: Packages): void {
  write('node_modules/.package-lock.json', { packages })
  for (const place of Object.keys(packages))
    if (place.startsWith('node_modules/')) write(join(place, 'package.json'), {})
}

function write(path: string, content: object | string): void {
  mkdirSync(dirname(join(checkout, path)), { recursive: true })
  writeFileSync(join(checkout, path), typeof content === 'string' ? content : JSON.stringify(content))
}
