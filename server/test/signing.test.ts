import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { beforeEach, test } from 'node:test'
import { NOW, type TestApp, testApp } from './app.ts'
import { makeOrganization } from './organization.ts'
import { type Credentials, sign } from './signed.ts'
import { eachStore } from './stores.ts'

const BAD_SIGNATURE = { message: 'Unknown API key or wrong signature' }
const WRONG = 'f'.repeat(64)

eachStore((get) => {
  let t: TestApp
  let orgId: number
  let key: Credentials

  beforeEach(async () => {
    const { store } = get()
    t = testApp(store)
    orgId = (await makeOrganization(store)).orgId
    key = await t.key(orgId)
  })

  async function ask(headers: Record<string, string>, app = t.app) {
    const answer = await app.inject({ url: '/workspaces', headers })
    return { status: answer.statusCode, body: answer.json() }
  }
  const at = (skewMs: number) => sign(key, new Date(NOW + skewMs).toISOString())

  test('a signature made by openssl is right', async () => {
    const script = `printf %s "$DATE" | openssl dgst -sha256 -hmac "$SECRET" | sed 's/^.* //'`
    const date = '2026-05-30T13:00:00.000Z'
    const env = { ...process.env, DATE: date, SECRET: key.secret }
    const signature = execFileSync('bash', ['-c', script], { env, encoding: 'utf8' }).trim()
    assert.equal((await ask({ 'x-api-key': key.apiKey, 'x-date': date, 'x-signature': signature })).status, 200)
  })

  test('a date is signed as it is written, in every form that a language prints', async () => {
    for (const date of [
      '2026-05-30T13:00:00Z',
      '2026-05-30 13:00:00.123456789',
      '2026-05-30T15:00:00+0200',
      'Sat, 30 May 2026 13:00:00 GMT',
      'Sat, 30 May 2026 08:00:00 -0500',
    ]) {
      assert.equal((await ask(sign(key, date))).status, 200, date)
    }
  })

  test('a date alone, a number and a text are no dates, whatever signs them', async () => {
    for (const date of ['2026-05-30', '2026', String(NOW), 'now', '9'.repeat(65)]) {
      assert.deepEqual(await ask(sign(key, date)), {
        status: 403,
        body: { message: 'x-date is not an ISO-8601 date and time or an HTTP date' },
      })
    }
  })

  test('a request may be 60 s old and 5 s ahead, and not a millisecond more', async () => {
    for (const skewMs of [-60_000, -1, 0, 5000]) assert.equal((await ask(at(skewMs))).status, 200, String(skewMs))
    for (const skewMs of [-60_001, 5001]) {
      const details = { skewMs, minSkewMs: -60_000, maxSkewMs: 5000 }
      assert.deepEqual(await ask(at(skewMs)), { status: 403, body: { message: 'Signature expired', details } })
    }
  })

  test('with the other reading of the window a request may be 5 s old and 60 s ahead', async () => {
    const offset = testApp(get().store, { SIGNATURE_WINDOW: 'offset' })
    for (const skewMs of [-5000, 60_000]) assert.equal((await ask(at(skewMs), offset.app)).status, 200)
    for (const skewMs of [-5001, 60_001]) {
      const details = { skewMs, minSkewMs: -5000, maxSkewMs: 60_000 }
      assert.deepEqual((await ask(at(skewMs), offset.app)).body, { message: 'Signature expired', details })
    }
  })

  test('both bounds of the window are settings', async () => {
    const narrow = testApp(get().store, { SIGNATURE_PAST_SECONDS: '2', SIGNATURE_FUTURE_SECONDS: '0' })
    for (const skewMs of [-2000, 0]) assert.equal((await ask(at(skewMs), narrow.app)).status, 200)
    for (const skewMs of [-2001, 1]) assert.equal((await ask(at(skewMs), narrow.app)).status, 403)
  })

  test('each of the three headers is required, and an empty one is missing', async () => {
    const whole = at(0)
    for (const name of Object.keys(whole)) {
      const missing = { status: 403, body: { message: 'Missing x-api-key, x-date or x-signature header' } }
      assert.deepEqual(
        await ask(Object.fromEntries(Object.entries(whole).filter(([other]) => other !== name))),
        missing,
      )
      assert.deepEqual(await ask({ ...whole, [name]: '' }), missing)
    }
  })

  test('an unknown key and a wrong signature are told apart by nothing', async () => {
    const unknown = { ...at(0), 'x-api-key': '0'.repeat(24) }
    assert.deepEqual(await ask(unknown), { status: 403, body: BAD_SIGNATURE })
    assert.deepEqual(await ask({ ...at(0), 'x-signature': WRONG }), { status: 403, body: BAD_SIGNATURE })
    assert.deepEqual(await ask({ ...at(0), 'x-api-key': 'k'.repeat(256) }), { status: 403, body: BAD_SIGNATURE })
  })

  test('a signature is 64 lowercase hex digits of the very date that is sent', async () => {
    const headers = at(0)
    const signature = headers['x-signature'] ?? ''
    for (const wrong of [
      signature.toUpperCase(),
      signature.slice(1),
      `${signature}0`,
      `0x${signature}`,
      'é'.repeat(64),
    ]) {
      assert.deepEqual((await ask({ ...headers, 'x-signature': wrong })).body, BAD_SIGNATURE, wrong)
    }
    assert.deepEqual((await ask({ ...headers, 'x-date': '2026-05-30T13:00:00Z' })).body, BAD_SIGNATURE)
  })

  test('signing is checked in order: headers, date, freshness, signature, revocation, scope, organization', async () => {
    const { store } = get()
    const report = await t.key(orgId, 'report')
    const { apiKey } = report
    await store.write('setOrganizationActive', { orgId, active: false })
    const stale = new Date(NOW - 61_000).toISOString()
    const fresh = new Date(NOW).toISOString()
    const messages: string[] = []
    const note = async (headers: Record<string, string>, of = t) => {
      messages.push((await ask(headers, of.app)).body.message)
    }
    await note({ 'x-api-key': apiKey, 'x-date': 'now' })
    await note({ 'x-api-key': apiKey, 'x-date': 'now', 'x-signature': WRONG })
    await note({ 'x-api-key': apiKey, 'x-date': stale, 'x-signature': WRONG })
    await note({ 'x-api-key': apiKey, 'x-date': fresh, 'x-signature': WRONG })
    await note(sign(report, fresh))
    await note(sign(key, fresh))
    await store.write('revokeApiKey', { apiKey })
    await note(sign(report, fresh), testApp(store))
    await note({ 'x-api-key': apiKey, 'x-date': fresh, 'x-signature': WRONG }, testApp(store))
    assert.deepEqual(messages, [
      'Missing x-api-key, x-date or x-signature header',
      'x-date is not an ISO-8601 date and time or an HTTP date',
      'Signature expired',
      BAD_SIGNATURE.message,
      'API key lacks the scope read',
      'Organization is inactive',
      'API key is revoked',
      BAD_SIGNATURE.message,
    ])
  })

  test('a key of several scopes may do what each of them allows', async () => {
    const date = new Date(NOW).toISOString()
    for (const [scope, status] of [
      ['read', 200],
      ['report+read', 200],
      ['all', 200],
      ['report+erase', 403],
    ] as const) {
      assert.equal((await ask(sign(await t.key(orgId, scope), date))).status, status, scope)
    }
  })

  test('a revoked key and an inactive organization take effect within 5 s on a server that knew the key', async () => {
    const { store } = get()
    assert.equal((await ask(at(0))).status, 200)
    await store.write('setOrganizationActive', { orgId, active: false })
    t.clock.ms += 4001
    assert.deepEqual(await ask(at(0)), { status: 402, body: { message: 'Organization is inactive' } })
    await store.write('revokeApiKey', { apiKey: key.apiKey })
    t.clock.ms += 4001
    assert.deepEqual(await ask(at(4000)), { status: 403, body: { message: 'API key is revoked' } })
  })

  test('a key that was tried before it was made works 5 s later', async () => {
    const { store } = get()
    const late = { apiKey: `late-${orgId}`, secret: 'secret' }
    const headers = sign(late, new Date(NOW).toISOString())
    assert.deepEqual((await ask(headers)).body, BAD_SIGNATURE)
    const secretCiphertext = t.secrets.encrypt(late.secret, { table: 'api_keys', orgId, row: late.apiKey })
    await store.write('createApiKey', { orgId, apiKey: late.apiKey, secretCiphertext, label: null, scope: 'read' })
    t.clock.ms += 5000
    assert.deepEqual((await ask(headers)).body, BAD_SIGNATURE)
    t.clock.ms += 1
    assert.equal((await ask(headers)).status, 200)
  })

  test('a clock that is set back makes no key be remembered for longer', async () => {
    assert.equal((await ask(at(0))).status, 200)
    await get().store.write('revokeApiKey', { apiKey: key.apiKey })
    t.clock.ms -= 1
    assert.equal((await ask(at(0))).status, 403)
  })

  test('many requests of a key at once, not yet remembered, are all answered', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask(at(0))))
    assert.ok(answers.every(({ status }) => status === 200))
  })

  test('every signed answer names the key as what it varies by and stays out of shared caches', async () => {
    for (const headers of [at(0), { ...at(0), 'x-signature': WRONG }]) {
      const answer = await t.app.inject({ url: '/workspaces', headers })
      assert.equal(answer.headers.vary, 'x-api-key')
      assert.equal(answer.headers['cache-control'], 'no-store')
    }
  })
})
