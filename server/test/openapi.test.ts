import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { LightMyRequestResponse } from 'fastify'
import Schema from 'typebox/schema'
import { openTestStore, type TestApp, testApp } from './app.ts'
import { makeOrganization } from './organization.ts'
import { type Credentials, sign } from './signed.ts'
import { META, notify } from './webhooks.ts'

interface Media {
  schema: object
  examples?: Record<string, { value: unknown }>
}
interface Operation {
  operationId: string
  security: Record<string, unknown[]>[]
  parameters?: { name: string; in: string; required: boolean; schema: object; example?: unknown }[]
  requestBody?: { content: Record<string, Media> }
  responses: Record<string, { description: string; headers: Record<string, object>; content?: Record<string, Media> }>
  'x-codeSamples'?: { source: string }[]
}
interface Document {
  openapi: string
  info: { description: string }
  paths: Record<string, Record<string, Operation>>
  components: Record<'schemas' | 'headers', Record<string, object>> & {
    securitySchemes: Record<string, { in: string; name: string }>
  }
}

const SNAPSHOT = fileURLToPath(new URL('../../docs/openapi.json', import.meta.url))
const REDOCLY = fileURLToPath(import.meta.resolve('@redocly/cli/bin/cli.js'))
/** Routes that serve the reference itself, or files: they are no part of the API. */
const UNDOCUMENTED = [
  '/docs',
  '/docs/reference.js',
  '/docs/scalar.js',
  '/openapi.json',
  '/sample/pictures/:index.svg',
  '/exports/:organizationId/:fileName',
]

/** Of a platform: signed its own way, over a body that comes as it likes. */
const NOTIFICATION = 'POST /webhooks/meta'

/** Statuses whose answers may have no body. */
const EMPTY = ['200', '304']
/** What the document tells once, of all answers. */
const ON_EVERY_ANSWER = ['x-content-type-options', 'x-request-id', 'x-server-time']
/** What Node and Fastify say of the message itself. */
const OF_THE_MESSAGE = ['connection', 'content-length', 'content-type', 'date']

let opened: Awaited<ReturnType<typeof openTestStore>>
let t: TestApp
let text: string
let document: Document
const routes = new Set<string>()

before(async () => {
  opened = await openTestStore()
  t = testApp(opened.store, { ...opened.env, ...META })
  t.app.addHook('onRoute', ({ url, method }) => {
    if (method === 'HEAD' || url.startsWith('/externalApi/v1/') || UNDOCUMENTED.includes(url)) return
    routes.add(`${method} ${url.replaceAll(/:(\w+)/g, '{$1}')}`)
  })
  text = (await t.app.inject('/openapi.json')).body
  document = JSON.parse(text)
})

after(() => opened.remove())

/** Each operation by its method and path. */
function operations(): [string, Operation][] {
  return Object.entries(document.paths).flatMap(([path, of]) =>
    Object.entries(of).map(([method, operation]): [string, Operation] => [
      `${method.toUpperCase()} ${path}`,
      operation,
    ]),
  )
}

/** A schema with what it refers to in its place. */
function resolve(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(resolve)
  if (typeof schema !== 'object' || schema === null) return schema
  if ('$ref' in schema) {
    const [name = '', kind] = String(schema.$ref).split('/').reverse()
    return resolve(document.components[kind as 'schemas' | 'headers'][name])
  }
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
  const documented = operations().map(([route]) => route)
  assert.deepEqual([...routes].sort(), documented.sort())
})

test('every documented status has an example, and every example fits its schema', () => {
  for (const [path, { responses }] of operations()) {
    for (const [status, { content, description }] of Object.entries(responses)) {
      assert.notEqual(description, '', `${path} ${status}`)
      if (!content && EMPTY.includes(status)) continue
      const [media] = Object.values(content ?? {})
      const examples = Object.entries(media?.examples ?? {})
      assert.ok(media && examples.length > 0, `${path} ${status}`)
      for (const [name, { value }] of examples) assertFits(media.schema, value, `${path} ${status} ${name}`)
    }
  }
})

test('the headers that every answer has are told in the text', () => {
  for (const name of ON_EVERY_ANSWER) assert.ok(document.info.description.includes(`\`${name}`), name)
})

test('what can be answered 304 takes If-None-Match, and what is no read an Idempotency-Key', () => {
  for (const [route, { responses, parameters = [] }] of operations()) {
    const headers = parameters.filter((parameter) => parameter.in === 'header').map(({ name }) => name)
    const ofWrite = route === NOTIFICATION ? 'X-Hub-Signature-256' : 'Idempotency-Key'
    const expected = responses[304] ? ['If-None-Match'] : route.startsWith('POST ') ? [ofWrite] : []
    assert.deepEqual(headers, expected, route)
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

/** That an answer carries no header but documented ones, and where it is no failure all of these. */
function assertHeadersDocumented(answer: LightMyRequestResponse, headers: Record<string, object>, what: string): void {
  const sent = Object.keys(answer.headers).filter((name) => !OF_THE_MESSAGE.includes(name))
  const documented = Object.entries(headers).map(([name, header]) => [name.toLowerCase(), resolve(header)] as const)
  const known = [...ON_EVERY_ANSWER, ...documented.map(([name]) => name)]
  const expected = answer.statusCode < 400 ? known : known.filter((name) => sent.includes(name))
  assert.deepEqual(sent.sort(), expected.sort(), `headers of ${what}`)
  for (const [name, header] of documented) {
    const { schema } = header as { schema: { type?: string } }
    const value = answer.headers[name]
    if (value !== undefined) assertFits(schema, schema.type === 'integer' ? Number(value) : value, `${what} ${name}`)
  }
}

test('the reference says where each variable of its samples comes from', () => {
  const samples = operations().flatMap(([, operation]) => operation['x-codeSamples'] ?? [])
  const variables = new Set(samples.flatMap(({ source }) => source.match(/\$[A-Z_]+/g) ?? []))
  assert.deepEqual([...variables].sort(), [
    '$CHANNEL',
    '$DATE',
    '$KEY',
    '$SECRET',
    '$SIGNATURE',
    '$URL',
    '$USER_ID',
    '$WORKSPACE',
  ])
  for (const name of variables) assert.ok(document.info.description.includes(name), name)
})

test('the reference says how old a request may be and how far ahead, as the service is set', async () => {
  const describe = async (settings: Record<string, string>) =>
    JSON.parse((await testApp(opened.store, { ...opened.env, ...settings }).app.inject('/openapi.json')).body).info
      .description
  assert.match(document.info.description, /\*\*up to 60 s old\*\*, and its `x-date` \*\*at most 5 s ahead\*\*/)
  assert.match(await describe({ SIGNATURE_WINDOW: 'offset' }), /\*\*up to 5 s old\*\*, .*\*\*at most 60 s ahead\*\*/)
})

/** That an answer is the documented one of its status. */
function assertDocumented(route: string, answer: LightMyRequestResponse): void {
  const what = `${route} ${answer.statusCode}`
  const described = new Map(operations()).get(route)?.responses[answer.statusCode]
  assert.ok(described, `${what} is documented`)
  const [[type, media] = ['', undefined]] = Object.entries(described.content ?? {})
  assertHeadersDocumented(answer, described.headers, what)
  assert.equal(answer.body === '', media === undefined, what)
  if (!media) return
  assert.ok(String(answer.headers['content-type']).startsWith(type), what)
  assertFits(media.schema, type === 'application/json' ? answer.json() : answer.body, what)
}

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
    [`/webhooks/meta?hub.mode=subscribe&hub.challenge=1&hub.verify_token=${META.META_VERIFY_TOKEN}`, 200],
    ['/webhooks/meta', 403],
    ['/organizations', 200, fresh],
    ['/organizations', 403],
    ['/workspaces', 200, fresh],
    ['/workspaces', 403, stale],
    ['/channels', 200, fresh],
    ['/channels?workspaceId=x', 404, fresh],
    ['/channels?x=1', 422, fresh],
    [list, 200, fresh],
    [list, 304, { ...fresh, 'if-none-match': '*' }],
    [list, 403, stale],
    [`/vip-users?workspaceId=${workspaceId}&mediumId=x`, 400, fresh],
    ['/vip-users?workspaceId=x&mediumId=x', 404, fresh],
    ['/vip-users?limit=x', 422, fresh],
    ['/vip-users', 405, {}, 'DELETE'],
    [list.replace('?', '/export?'), 200, fresh],
    ['/vip-users/export?workspaceId=x&mediumId=x', 404, fresh],
    ['/vip-users/export?limit=1', 422, fresh],
    ['/v1.0/user/identified', 200, fresh],
    ['/v1.0/user/identified?next=x', 422, fresh],
    ['/v1.0/user/properties/player-4711', 200, fresh],
    [`/v1.0/user/properties/${'x'.repeat(256)}`, 422, fresh],
  ] as [string, number, Record<string, string>?, 'GET'?][]) {
    const answer = await t.app.inject({ url, headers: headers ?? {}, method: method ?? 'GET' })
    assert.equal(answer.statusCode, status, url)
    const route = `GET ${url.split('?')[0]}`.replace(/(properties)\/.*/, '$1/{userId}')
    assertDocumented(route, answer)
    seen.add(route)
  }
  const reads = [...routes].filter((route) => route.startsWith('GET '))
  assert.deepEqual([...seen].sort(), reads.sort())
})

test('what stands in an address and cannot be decoded is refused as documented', async () => {
  for (const [route] of operations()) {
    const [method, path = ''] = route.split(' ')
    if (!path.includes('{')) continue
    const url = path.replaceAll(/\{\w+\}/g, '%E0%A4%A')
    const answer = await t.app.inject({ url, method: method as 'GET' })
    assert.equal(answer.statusCode, 400, route)
    assertDocumented(route, answer)
  }
})

test('every example of a body fits its schema, and is answered as documented', async () => {
  const key = await t.key((await makeOrganization(opened.store)).orgId)
  for (const [route, { requestBody }] of operations()) {
    const [media] = Object.values(requestBody?.content ?? {})
    for (const [name, { value }] of Object.entries(media?.examples ?? {})) {
      assertFits(media?.schema ?? {}, value, `${route} ${name}`)
      const answer =
        route === NOTIFICATION ? await notify(t.app, value as object) : await post(key, route, JSON.stringify(value))
      // what is named in an example need not be there
      assert.ok([200, 404].includes(answer.statusCode), `${route} ${name} ${answer.statusCode}`)
      assertDocumented(route, answer)
    }
  }
})

test('a body that is refused is refused as documented', async () => {
  const key = await t.key((await makeOrganization(opened.store)).orgId)
  const route = 'POST /v1.0/user/purchase'
  const purchase = { userId: 'a', revenue: 1, purchaseId: 'order' }
  for (const [status, body, headers] of [
    [200, JSON.stringify(purchase)],
    [400, '{'],
    [409, JSON.stringify({ ...purchase, revenue: 2 })],
    [413, ' '.repeat(4 * 1024 * 1024 + 1)],
    [415, '{}', { 'content-type': 'text/plain' }],
    [422, JSON.stringify({ batch: [purchase, { userId: 'a' }] })],
  ] as [number, string, Record<string, string>?][]) {
    const answer = await post(key, route, body, headers)
    assert.equal(answer.statusCode, status)
    assertDocumented(route, answer)
  }
  for (const [status, body, headers] of [
    [200, {}],
    [400, '{'],
    [403, {}, { 'x-hub-signature-256': 'sha256=0' }],
    [413, ' '.repeat(4 * 1024 * 1024 + 1)],
  ] as [number, object | string, Record<string, string>?][]) {
    const answer = await notify(t.app, body, headers ? { headers } : {})
    assert.equal(answer.statusCode, status)
    assertDocumented(NOTIFICATION, answer)
  }
})

function post(key: Credentials, route: string, payload: string, headers: Record<string, string> = {}) {
  return t.app.inject({
    method: 'POST',
    url: route.replace('POST ', ''),
    headers: { ...sign(key, new Date(t.clock.ms).toISOString()), 'content-type': 'application/json', ...headers },
    payload,
  })
}

test('a reference that could not be made is made for who asks next', async () => {
  const { app } = testApp(opened.store)
  let asked = 0
  const operation = async () => {
    asked += 1
    if (asked === 1) throw Object.assign(new Error('too many open files'), { code: 'EMFILE' })
    return (await import('../src/http/service-operations.ts')).rootOperation
  }
  app.get('/later', { config: { operation } }, () => ({}))
  assert.equal((await app.inject('/openapi.json')).statusCode, 503)
  for (let times = 0; times < 2; times++) assert.equal((await app.inject('/openapi.json')).statusCode, 200)
  assert.equal(asked, 2)
})
