import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NOW, testApp } from '../../test/app.ts'
import { makeOrganization } from '../../test/organization.ts'
import { reporting } from '../../test/reporting.ts'
import { sign } from '../../test/signed.ts'
import { eachStore } from '../../test/stores.ts'

const DAY_MS = 86_400_000
/** The least that each operation takes. */
const ITEMS = {
  identify: { d10xLinkId: 'known', userId: 'ann' },
  activity: { userId: 'ann' },
  properties: { userId: 'ann', properties: [{ key: 'plan', value: 'pro' }] },
  purchase: { userId: 'ann', revenue: 5 },
} as const
const OPERATIONS = Object.keys(ITEMS) as (keyof typeof ITEMS)[]
const JSON_TYPE = { 'content-type': 'application/json' }

/** Every write of the Audience API, with what it takes. */
const WRITES = {
  ...ITEMS,
  links: { userId: 'ann' },
  markConversion: { d10xLinkId: 'known' },
  deleteUserData: { userId: 'ann' },
}

eachStore((get) => {
  test('an inactive organization is answered 402 before its body is looked at, and nothing is done', async () => {
    const { store } = get()
    const { key, post, get: ask } = testApp(store)
    const { orgId } = await makeOrganization(store)
    const credentials = await key(orgId)
    await store.write('setOrganizationActive', { orgId, active: false })
    for (const [operation, body] of Object.entries(WRITES)) {
      for (const payload of [body, {}, '{']) {
        const answer = await post(credentials, `/v1.0/user/${operation}`, payload, JSON_TYPE)
        assert.deepEqual([answer.statusCode, answer.json()], [402, { message: 'Organization is inactive' }], operation)
      }
    }
    for (const path of ['identified', 'properties/ann']) {
      assert.equal((await ask(credentials, `/v1.0/user/${path}`)).statusCode, 402)
    }
    const users = store.db.selectFrom('users as u').selectAll().where('u.org_id', '=', orgId)
    assert.deepEqual(await users.execute(), [])
  })

  test('a query parameter is refused, whatever the body says, and nothing is done', async () => {
    const { store } = get()
    const { key, post, get: ask } = testApp(store)
    const { orgId } = await makeOrganization(store)
    const credentials = await key(orgId)
    for (const [operation, body] of Object.entries(WRITES)) {
      for (const query of ['dryRun=true', 'userId=ann', '%zz']) {
        const answer = await post(credentials, `/v1.0/user/${operation}?${query}`, body)
        assert.deepEqual([answer.statusCode, answer.json().error[0].type], [422, 'object.unknown'], operation)
      }
    }
    const answer = await ask(credentials, '/v1.0/user/properties/ann?key=plan')
    assert.deepEqual([answer.statusCode, answer.json().error[0].type], [422, 'object.unknown'])
    const users = store.db.selectFrom('users as u').selectAll().where('u.org_id', '=', orgId)
    assert.deepEqual(await users.execute(), [])
  })

  test('one item and a batch of 1 to 250 are answered 200 without a body, a larger or empty one is refused', async () => {
    const t = await reporting(get())
    await t.link('known', 'ann')
    for (const operation of OPERATIONS) {
      const item = ITEMS[operation]
      await t.take(operation, item)
      await t.take(operation, { batch: [item] })
      await t.take(operation, { batch: Array(250).fill(item) })
      assert.deepEqual(await t.faults(operation, { batch: Array(251).fill(item) }), ['["batch"] array.max'])
      assert.deepEqual(await t.faults(operation, { batch: [] }), ['["batch"] array.min'])
    }
    // a purchase without an id is another one each time
    assert.equal((await t.user('ann'))?.ltv, 252 * 5)
    assert.deepEqual(await t.verify(), [])
  })

  test('a body is an item or a batch, never both, and nothing else', async () => {
    const t = await reporting(get())
    await t.link('known', 'ann')
    for (const operation of OPERATIONS) {
      const item = ITEMS[operation]
      const names = Object.keys(item)
      const unknown = names.map((name) => `["${name}"] object.unknown`)
      assert.deepEqual(await t.faults(operation, { ...item, batch: [item] }), unknown)
      assert.deepEqual(await t.faults(operation, { batch: null }), ['["batch"] array.base'])
      assert.deepEqual(await t.faults(operation, { batch: item }), ['["batch"] array.base'])
      assert.deepEqual(await t.faults(operation, { batch: [null] }), ['["batch",0] object.base'])
      assert.deepEqual(await t.faults(operation, { batch: [item, [item]] }), ['["batch",1] object.base'])
      assert.deepEqual(await t.faults(operation, { batch: [{ batch: [item] }] }), [
        ...names.map((name) => `["batch",0,"${name}"] any.required`),
        '["batch",0,"batch"] object.unknown',
      ])
      for (const body of ['null', '[]', '"text"', '7', 'true', `[${JSON.stringify(item)}]`]) {
        assert.deepEqual(await t.faults(operation, body), ['[] object.base'], body)
      }
      assert.deepEqual(
        await t.faults(operation, {}),
        names.map((name) => `["${name}"] any.required`),
      )
      assert.deepEqual(await t.faults(operation, { ...item, orgId: 1 }), ['["orgId"] object.unknown'])
    }
    assert.equal((await t.user('ann'))?.purchases.length, 0)
  })

  test('every fault of a batch is told at once, by index, and no item of it is applied', async () => {
    const t = await reporting(get())
    const batch = Array.from({ length: 20 }, (_, n) => ({ userId: `u${n}`, revenue: n, purchaseId: `p${n}` }))
    const damaged: object[] = batch.with(17, { ...batch[17], revenue: 'much' } as never)
    damaged[3] = { revenue: 1, purchaseId: '' }
    damaged[19] = { userId: 'u19', revenue: 1, timestamp: 1_780_000_000 }
    assert.deepEqual(await t.faults('purchase', { batch: damaged }), [
      '["batch",3,"userId"] any.required',
      '["batch",3,"purchaseId"] string.empty',
      '["batch",17,"revenue"] revenue.base',
      '["batch",19,"timestamp"] timestamp.seconds',
    ])
    assert.deepEqual(await t.users(), ['ann', 'ben', 'cleo'])
    await t.take('purchase', { batch })
    assert.equal((await t.users()).length, 23)
    assert.deepEqual(await t.verify(), [])
  })

  test('null in an optional field of a report counts as left out, in a required one it is refused', async () => {
    const t = await reporting(get())
    await t.take('purchase', { userId: 'ann', revenue: 5, purchaseId: null, timestamp: null })
    await t.take('activity', { userId: 'ann', timestamp: null })
    assert.equal((await t.user('ann'))?.lastAppOpenTimestamp, NOW)
    assert.deepEqual(await t.faults('purchase', { userId: null, revenue: null }), [
      '["userId"] string.base',
      '["revenue"] revenue.base',
    ])
  })

  test('ids of a report have 1 to 255 bytes of well-formed text without NUL', async () => {
    const t = await reporting(get())
    for (const userId of ['x'.repeat(255), 'é'.repeat(127), '💎'.repeat(63), '__proto__', "' or 1=1 --", ' ']) {
      await t.take('activity', { userId })
      assert.equal((await t.user(userId))?.cuid, userId)
    }
    for (const [text, type] of [
      ['"\\ud800"', 'string.wellFormed'],
      ['"a\\u0000b"', 'string.nul'],
      ['""', 'string.empty'],
      ['7', 'string.base'],
      ['{"$ne":1}', 'string.base'],
      [`"${'x'.repeat(256)}"`, 'string.max'],
      [`"${'é'.repeat(128)}"`, 'string.max'],
      [`"${'💎'.repeat(64)}"`, 'string.max'],
    ]) {
      assert.deepEqual(await t.faults('activity', `{"userId":${text}}`), [`["userId"] ${type}`])
      assert.deepEqual(await t.faults('purchase', `{"userId":"ann","revenue":1,"purchaseId":${text}}`), [
        `["purchaseId"] ${type}`,
      ])
      assert.deepEqual(await t.faults('identify', `{"userId":"ann","d10xLinkId":${text}}`), [`["d10xLinkId"] ${type}`])
    }
    assert.deepEqual(await t.verify(), [])
  })

  test('a reported time is epoch ms or ISO-8601, never seconds, and at most 24 h ahead', async () => {
    const t = await reporting(get())
    await t.link('known', 'ann')
    const ahead = NOW + DAY_MS
    for (const operation of OPERATIONS) {
      const item = ITEMS[operation]
      for (const timestamp of [NOW, ahead, String(ahead), new Date(ahead).toISOString(), '2026-05-30T14:30:00+05:30']) {
        await t.take(operation, { ...item, timestamp })
      }
      for (const [timestamp, type] of [
        [ahead + 1, 'timestamp.max'],
        [new Date(ahead + 1).toISOString(), 'timestamp.max'],
        [NOW / 1000, 'timestamp.seconds'],
        ['1780000000', 'timestamp.seconds'],
        [-1, 'timestamp.seconds'],
        [NOW + 0.5, 'timestamp.base'],
        ['yesterday', 'timestamp.base'],
        ['', 'timestamp.base'],
        [true, 'timestamp.base'],
        [{}, 'timestamp.base'],
        [9e15, 'timestamp.range'],
      ] as const) {
        assert.deepEqual(await t.faults(operation, { batch: [item, { ...item, timestamp }] }), [
          `["batch",1,"timestamp"] ${type}`,
        ])
      }
    }
    assert.equal((await t.user('ann'))?.lastAppOpenTimestamp, ahead)
    assert.deepEqual(await t.verify(), [])
  })

  test('of app opens the latest stays, in whichever order they come', async () => {
    const t = await reporting(get())
    await t.take('purchase', { userId: 'ann', revenue: 5 })
    const batch = [3, 9, 6].map((n) => ({ userId: 'ann', timestamp: NOW - DAY_MS + n }))
    await t.take('activity', { batch })
    assert.equal((await t.row('ann'))?.lastAppOpenTimestamp, NOW - DAY_MS + 9)
    await t.take('activity', { userId: 'ann', timestamp: NOW - DAY_MS + 8 })
    assert.equal((await t.row('ann'))?.lastAppOpenTimestamp, NOW - DAY_MS + 9)
    await t.take('activity', { userId: 'ann' })
    assert.equal((await t.row('ann'))?.lastAppOpenTimestamp, NOW)
    assert.deepEqual(await t.verify(), [])
  })

  test('the first check of a report that fails answers: signing, organization, scope, size, type, text, shape', async () => {
    const t = await reporting(get())
    const url = '/v1.0/user/purchase'
    const tooLarge = ' '.repeat(4 * 1024 * 1024 + 1)
    const ask = async (headers: Record<string, string>, payload: string | Buffer) => {
      const answer = await t.app.inject({ method: 'POST', url, headers, payload })
      assert.equal(answer.headers['cache-control'], 'no-store')
      assert.equal(answer.headers.vary, 'x-api-key')
      return [answer.statusCode, answer.json()]
    }
    const signed = sign(t.credentials, new Date(t.clock.ms).toISOString())
    const message = (text: string) => ({ message: text })
    const wrong = { ...signed, 'x-signature': '0'.repeat(64) }
    assert.equal((await ask({}, tooLarge))[0], 403)
    assert.equal((await ask(wrong, tooLarge))[0], 403)
    const reader = sign(await t.key(t.orgId, 'read'), new Date(t.clock.ms).toISOString())
    assert.deepEqual(await ask(reader, tooLarge), [403, message('API key lacks the scope report')])
    assert.deepEqual(await ask({ ...signed, ...JSON_TYPE }, tooLarge), [413, message('Body is larger than 4 MiB')])
    const wrongType = [415, message('Content-Type must be application/json')]
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', 'nonsense']) {
      assert.deepEqual(await ask({ ...signed, 'content-type': type }, '{'), wrongType, type)
    }
    assert.deepEqual(await ask(signed, '{'), wrongType)
    const malformed = [400, message('Body is not valid JSON')]
    for (const payload of ['', '{', '{"userId":"ann","revenue":NaN}', '{"a":1}{"a":1}', '{"__proto__":{}}']) {
      assert.deepEqual(await ask({ ...signed, ...JSON_TYPE }, payload), malformed, payload)
    }
    const [status, body] = await ask({ ...signed, ...JSON_TYPE }, Buffer.from([0x22, 0xff, 0xfe, 0x22]))
    assert.equal(status, 422)
    assert.equal(body.error[0].type, 'string.encoding')
    await t.app.close()
  })

  test('what a hostile body holds is refused with a 4xx, and nothing of it is kept', async () => {
    const t = await reporting(get())
    const deep = 100_000
    for (const payload of [
      '['.repeat(deep) + ']'.repeat(deep),
      `{"userId":${'['.repeat(deep)}${']'.repeat(deep)},"revenue":1}`,
      `${'{"batch":'.repeat(deep)}1${'}'.repeat(deep)}`,
      `{"userId":"evil","revenue":1e400}`,
      `{"userId":"evil","revenue":-1e400}`,
      `{"userId":"evil","revenue":1,"constructor":{"prototype":{"polluted":1}}}`,
      `{"userId":"evil","revenue":1,"toString":1}`,
      `{"userId":"evil","revenue":1,"\\ud800":1}`,
      `{"userId":["evil"],"revenue":1}`,
      `{"batch":{"length":3,"0":{"userId":"evil","revenue":1}}}`,
      `{"batch":[${'{},'.repeat(249)}{}]}`,
      `{"batch":[${Array(250)
        .fill(`{"userId":"evil","properties":[${Array(500).fill('{"a":1,"b":2,"c":3}').join()}]}`)
        .join()}]}`,
      `{${Array.from({ length: 200_000 }, (_, n) => `"k${n}":1`).join()}}`,
    ]) {
      for (const operation of ['purchase', 'properties'] as const) {
        const { status, text } = await t.report(operation, payload, JSON_TYPE)
        assert(status === 400 || status === 422, `${status} for ${payload.slice(0, 80)}`)
        assert(text.length < 1_000_000)
        assert(text.isWellFormed())
      }
    }
    assert.deepEqual(await t.users(), ['ann', 'ben', 'cleo'])
    assert.equal(({} as { polluted?: number }).polluted, undefined)
    assert.deepEqual(await t.verify(), [])
  })

  test('a report of another method is 405, and an unknown one 404, before the body is looked at', async () => {
    const t = await reporting(get())
    for (const operation of OPERATIONS) {
      const answer = await t.get(t.credentials, `/v1.0/user/${operation}`)
      assert.deepEqual([answer.statusCode, answer.headers.allow], [405, 'OPTIONS, POST'])
    }
    const unknown = await t.post(t.credentials, '/v1.0/user/purchases', '{')
    assert.equal(unknown.statusCode, 404)
  })
})
