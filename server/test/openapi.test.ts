import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import Schema from 'typebox/schema'
import { openTestStore, type TestApp, testApp } from './app.ts'
import { makeOrganization } from './organization.ts'
import { sign } from './signed.ts'

interface Media {
  schema: object
  examples?: Record<string, { value: unknown }>
}
interface Operation {
  operationId: string
  security: Record<string, unknown[]>[]
  parameters?: { name: string; required: boolean; schema: object; example?: unknown }[]
  responses: Record<string, { description: string; headers?: object; content?: Record<string, Media> }>
}
interface Document {
  openapi: string
  info: { description: string }
  paths: Record<string, { get: Operation }>
  components: { schemas: Record<string, object>; securitySchemes: Record<string, { in: string; name: string }> }
}

const SNAPSHOT = fileURLToPath(new URL('../../docs/openapi.json', import.meta.url))
const REDOCLY = fileURLToPath(import.meta.resolve('@redocly/cli/bin/cli.js'))
/** Routes that serve the reference itself, or files: they are no part of the API. */
const UNDOCUMENTED = ['/docs', '/docs/reference.js', '/docs/scalar.js', '/openapi.json', '/sample/pictures/:index.svg']

let opened: Awaited<ReturnType<typeof openTestStore>>
let t: TestApp
let text: string
let document: Document
const routes = new Set<string>()

before(async () => {
  opened = await openTestStore()
  t = testApp(opened.store)
  t.app.addHook('onRoute', ({ url, method }) => {
    if (method === 'GET' && !url.startsWith('/externalApi/v1/')) routes.add(url)
  })
  text = (await t.app.inject('/openapi.json')).body
  document = JSON.parse(text)
})

after(() => opened.remove())

function operations(): [string, Operation][] {
  return Object.entries(document.paths).map(([path, { get }]) => [path, get])
}

/** A schema with what it refers to in its place. */
function resolve(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(resolve)
  if (typeof schema !== 'object' || schema === null) return schema
  if ('$ref' in schema) return resolve(document.components.schemas[String(schema.$ref).split('/').at(-1) ?? ''])
  return Object.fromEntries(Object.entries(schema).map(([name, part]) => [name, resolve(part)]))
}

function assertFits(schema: object, value: unknown, what: string): void {
  const [fits, faults] = Schema.Errors(resolve(schema) as object, value)
  assert.ok(fits, `${what}: ${faults.map((fault) => `${fault.instancePath} ${fault.message}`).join('; ')}`)
}

test('the OpenAPI document is the one in docs/openapi.json', async () => {
  if (process.env.UPDATE_SNAPSHOTS === '1') await writeFile(SNAPSHOT, `${text}\n`)
  const kept = await readFile(SNAPSHOT, 'utf8').catch(() => '')
  assert.equal(`${text}\n`, kept, 'Run this test with UPDATE_SNAPSHOTS=1 and look at the difference')
})

test("the OpenAPI document passes Redocly's recommended rules without a warning", async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dynamo-openapi-'))
  try {
    const file = join(folder, 'openapi.json')
    await writeFile(file, text)
    const env = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' }
    const args = [REDOCLY, 'lint', '--extends', 'recommended', '--format', 'json', file]
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder, env })
    const { totals, problems } = JSON.parse(stdout)
    assert.deepEqual({ totals, problems }, { totals: { errors: 0, warnings: 0, ignored: 0 }, problems: [] })
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('every route is documented, and what is documented is a route', () => {
  const documented = Object.keys(document.paths)
  assert.deepEqual([...routes].filter((url) => !UNDOCUMENTED.includes(url)).sort(), documented.sort())
})

test('every documented status has an example, and every example fits its schema', () => {
  for (const [path, { responses }] of operations()) {
    for (const [status, { content, description }] of Object.entries(responses)) {
      assert.notEqual(description, '', `${path} ${status}`)
      if (status === '304') continue
      const [media] = Object.values(content ?? {})
      const examples = Object.entries(media?.examples ?? {})
      assert.ok(media && examples.length > 0, `${path} ${status}`)
      for (const [name, { value }] of examples) assertFits(media.schema, value, `${path} ${status} ${name}`)
    }
  }
})

test('every example of a parameter fits its schema', () => {
  for (const [path, { parameters = [] }] of operations()) {
    for (const { name, schema, example } of parameters) {
      if (example !== undefined) assertFits(schema, example, `${path} ${name}`)
    }
  }
})

test('signed operations need all three headers together, and refuse with 403, never 401', () => {
  const names = Object.values(document.components.securitySchemes).map(({ name }) => name)
  assert.deepEqual(names, ['x-api-key', 'x-date', 'x-signature'])
  for (const [path, { security, responses }] of operations()) {
    assert.equal(responses[401], undefined)
    if (security.length === 0) continue
    assert.deepEqual(security, [{ apiKey: [], date: [], signature: [] }], path)
    assert.ok(responses[402] && responses[403], path)
  }
  assert.match(document.info.description, /within −5 s\.\.\+60 s of server time/)
  assert.match(document.info.description, /403, never 401/)
})

test('what the app really answers fits the schema of its status', async () => {
  const org = await makeOrganization(opened.store)
  const key = await t.key(org.orgId)
  const list = `/vip-users?workspaceId=${org.workspaceId}&mediumId=${org.channels[0]?.mediumId}`
  const standard = { orgId: org.orgId, name: 'All', type: 'STANDARD' as const, vipIndicator: null }
  const { workspaceId } = await opened.store.write('createWorkspace', standard)
  const fresh = sign(key, new Date(t.clock.ms).toISOString())
  const stale = sign(key, new Date(t.clock.ms - 60_001).toISOString())
  const seen = new Set<string>()
  for (const [url, status, headers, method] of [
    ['/', 200],
    ['/healthz', 200],
    ['/readyz', 200],
    ['/metrics', 200],
    ['/metrics', 403, { 'x-forwarded-for': '10.0.0.1' }],
    ['/metrics', 405, {}, 'POST'],
    ['/organizations', 200, fresh],
    ['/organizations', 403],
    ['/workspaces', 200, fresh],
    ['/workspaces', 403, stale],
    ['/channels', 200, fresh],
    ['/channels?workspaceId=x', 404, fresh],
    ['/channels?x=1', 422, fresh],
    [list, 200, fresh],
    [list, 403, stale],
    [`/vip-users?workspaceId=${workspaceId}&mediumId=x`, 400, fresh],
    ['/vip-users?workspaceId=x&mediumId=x', 404, fresh],
    ['/vip-users?limit=x', 422, fresh],
    ['/vip-users', 405, {}, 'DELETE'],
  ] as [string, number, Record<string, string>?, 'GET'?][]) {
    const answer = await t.app.inject({ url, headers: headers ?? {}, method: method ?? 'GET' })
    assert.equal(answer.statusCode, status, url)
    const path = url.split('?')[0] ?? ''
    const [[type, media] = ['', undefined]] = Object.entries(document.paths[path]?.get.responses[status]?.content ?? {})
    assert.ok(media, `${path} ${status} is documented`)
    assert.ok(String(answer.headers['content-type']).startsWith(type), `${path} ${status}`)
    assertFits(media.schema, type === 'application/json' ? answer.json() : answer.body, `${path} ${status}`)
    seen.add(path)
  }
  assert.deepEqual([...seen].sort(), Object.keys(document.paths).sort())
})
