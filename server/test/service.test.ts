import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { buildApp } from '../src/app.ts'
import { loadConfig } from '../src/config.ts'
import { createLog } from '../src/http/request-log.ts'
import { checkFingerprint, createSecrets, SecretsError } from '../src/secrets.ts'
import { NOW, openTestStore, testApp } from './app.ts'
import { makeOrganization, type TestOrganization } from './organization.ts'
import { type Credentials, sign } from './signed.ts'

const TOKEN = 'a-token-of-24-characters'

let opened: Awaited<ReturnType<typeof openTestStore>>
let org: TestOrganization
let key: Credentials
let list: string

before(async () => {
  opened = await openTestStore()
  org = await makeOrganization(opened.store)
  key = await testApp(opened.store).key(org.orgId)
  list = `/vip-users?workspaceId=${org.workspaceId}&mediumId=${org.channels[0]?.mediumId}`
})
after(() => opened.remove())

test('metrics are open to the machine itself, to others and to what a proxy forwards only with the token', async () => {
  const open = testApp(opened.store).app
  const guarded = testApp(opened.store, { METRICS_TOKEN: TOKEN }).app
  const far = '192.0.2.7'
  for (const [app, remoteAddress, headers, status] of [
    [open, '127.0.0.1', {}, 200],
    [open, '::1', {}, 200],
    [open, '::ffff:127.0.0.1', {}, 200],
    [open, far, {}, 403],
    [open, far, { authorization: `Bearer ${TOKEN}` }, 403],
    [open, '127.0.0.1', { 'x-forwarded-for': '127.0.0.1' }, 403],
    [open, '127.0.0.1', { forwarded: 'for=127.0.0.1' }, 403],
    [open, '127.0.0.1', { 'x-forwarded-proto': 'https' }, 403],
    [open, '127.0.0.1', { host: 'dynamo.example.com' }, 403],
    [open, '127.0.0.1', { host: '127.0.0.1:4000' }, 200],
    [guarded, '127.0.0.1', {}, 200],
    [guarded, far, {}, 403],
    [guarded, far, { authorization: `Bearer ${TOKEN}` }, 200],
    [guarded, far, { authorization: `bearer ${TOKEN}` }, 200],
    [guarded, far, { authorization: `Bearer ${TOKEN}x` }, 403],
    [guarded, far, { authorization: TOKEN }, 403],
    [guarded, '127.0.0.1', { 'x-forwarded-for': far, authorization: `Bearer ${TOKEN}` }, 200],
  ] as const) {
    const answer = await app.inject({ url: '/metrics', remoteAddress, headers: { ...headers } })
    assert.equal(answer.statusCode, status, `${remoteAddress} ${JSON.stringify(headers)}`)
  }
})

test('metrics count requests by route, signing failures by reason and list reads by store, and name no customer', async () => {
  const t = testApp(opened.store)
  await t.get(key, list)
  await t.get(key, list)
  await t.get(key, '/vip-users?limit=0')
  await t.app.inject('/nowhere/secret-path')
  await t.app.inject('/workspaces')
  await t.app.inject({ url: '/workspaces', headers: sign(key, new Date(NOW - 61_000).toISOString()) })
  const { body } = await t.app.inject('/metrics')
  for (const line of [
    'dynamo_request_seconds_count{route="/vip-users",method="GET",status="2xx"} 2',
    'dynamo_request_seconds_count{route="/vip-users",method="GET",status="4xx"} 1',
    'dynamo_request_seconds_count{route="/workspaces",method="GET",status="4xx"} 2',
    'dynamo_request_seconds_count{route="none",method="GET",status="4xx"} 1',
    'dynamo_signing_failures_total{reason="headers"} 1',
    'dynamo_signing_failures_total{reason="expired"} 1',
    'dynamo_list_read_seconds_count{store="sqlite"} 2',
    'dynamo_write_queue 0',
  ]) {
    assert.ok(body.includes(`${line}\n`), line)
  }
  assert.match(body, /process_resident_memory_bytes \d+/)
  for (const name of [key.apiKey, org.organizationId, org.workspaceId, 'secret-path'])
    assert.ok(!body.includes(name), name)
})

test('a store that fails or does not answer makes the server not ready, but alive', async () => {
  const { store } = opened
  const secrets = createSecrets(Buffer.alloc(32))
  for (const [ping, status] of [
    [store.ping, 200],
    [() => Promise.reject(new Error('gone')), 503],
  ] as const) {
    const app = buildApp({ store: { ...store, ping }, config: loadConfig({}), secrets, now: () => NOW })
    const ready = await app.inject('/readyz')
    assert.equal(ready.statusCode, status)
    if (status === 503) assert.deepEqual(ready.json(), { message: 'The store does not answer' })
    assert.deepEqual((await app.inject('/healthz')).json(), { status: 'up' })
  }
})

test('a store that takes longer than 2 s makes the server not ready', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] })
  const asked = Promise.withResolvers<void>()
  const ping = () => {
    asked.resolve()
    return new Promise<void>(() => undefined)
  }
  const secrets = createSecrets(Buffer.alloc(32))
  const app = buildApp({ store: { ...opened.store, ping }, config: loadConfig({}), secrets, now: () => NOW })
  const ready = app.inject('/readyz')
  await asked.promise
  context.mock.timers.tick(2000)
  assert.equal((await ready).statusCode, 503)
})

test('each request leaves one line in the log, which says who read which list and tells no secret', async () => {
  const lines: string[] = []
  const log = createLog('info', { write: (line) => void lines.push(line) })
  const t = testApp(opened.store, {}, { log })
  const whole = await t.get(key, `/externalApi/v1${list}`)
  await t.get(key, '/organizations?q=secret-name')
  await t.app.inject({ method: 'POST', url: '/vip-users/secret-path' })
  await t.app.inject('/%zz')
  const [first, ...rest] = lines.map((line) => JSON.parse(line))
  const { time, ms, ...line } = first
  assert.match(time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  assert.ok(ms > 0)
  assert.deepEqual(line, {
    level: 'info',
    id: whole.headers['x-request-id'],
    method: 'GET',
    route: '/externalApi/v1/vip-users',
    key: key.apiKey,
    organization: org.organizationId,
    workspaceId: org.workspaceId,
    mediumId: org.channels[0]?.mediumId,
    returned: 0,
    status: 200,
  })
  assert.deepEqual(
    rest.map(({ route, status }) => [route, status]),
    [
      ['/organizations', 200],
      ['none', 404],
      ['none', 400],
    ],
  )
  const all = lines.join('')
  const { 'x-signature': signature = '' } = sign(key, new Date(NOW).toISOString())
  for (const text of [key.secret, signature, 'secret-name', 'secret-path', 'Acme']) assert.ok(!all.includes(text), text)
})

test('the reference page and all that it loads come from this server, under the public path', async () => {
  const { app } = testApp(opened.store, { PUBLIC_URL: 'https://vip.example.com/api' })
  const page = await app.inject('/docs/')
  assert.equal(page.statusCode, 200)
  const csp = String(page.headers['content-security-policy'])
  assert.match(csp, /default-src 'none';script-src 'self';/)
  assert.doesNotMatch(csp, /https?:|unsafe-eval|script-src[^;]*unsafe-inline/)
  const scripts = [...page.body.matchAll(/<script src="\/api([^"]+)"/g)].map(([, path]) => path ?? '')
  assert.deepEqual(scripts, ['/docs/scalar.js', '/docs/reference.js'])
  for (const url of [...scripts, '/docs', '/openapi.json']) {
    const whole = await app.inject(url)
    assert.equal(whole.statusCode, 200, url)
    assert.ok(whole.rawPayload.length > 100, url)
    const again = await app.inject({ url, headers: { 'if-none-match': String(whole.headers.etag) } })
    assert.deepEqual([again.statusCode, again.body], [304, ''], url)
  }
  assert.match((await app.inject('/docs/reference.js')).body, /"url": "\/api\/openapi.json"/)
  const { servers } = (await app.inject('/openapi.json')).json()
  assert.equal(servers[0].url, 'https://vip.example.com/api')
})

test("the sample's pictures load without signing, may be kept for ever and can do nothing", async () => {
  const { app } = testApp(opened.store)
  for (const index of [0, 199]) {
    const { statusCode, headers, body } = await app.inject(`/sample/pictures/${index}.svg`)
    assert.equal(statusCode, 200)
    assert.equal(headers['content-type'], 'image/svg+xml')
    assert.equal(headers['cache-control'], 'public, max-age=31536000, immutable')
    assert.equal(headers['content-security-policy'], "default-src 'none'")
    assert.match(body, /^<svg /)
  }
})

test('a store keeps to the master key that came first', async () => {
  const { store, remove } = await openTestStore()
  try {
    const first = createSecrets(Buffer.alloc(32, 1))
    await checkFingerprint(store, first)
    await checkFingerprint(store, first)
    await assert.rejects(checkFingerprint(store, createSecrets(Buffer.alloc(32, 2))), (error) => {
      assert.ok(error instanceof SecretsError)
      assert.match(error.message, /set DYNAMO_MASTER_KEY to the store's key/)
      return true
    })
  } finally {
    await remove()
  }
})
