import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FastifyInstance } from 'fastify'
import type { Store } from '../src/database/store.ts'
import { testApp } from './app.ts'
import { startBackground } from './background.ts'
import { dumpStore } from './dump-store.ts'
import { makeOrganization } from './organization.ts'
import { type Credentials, signedPost } from './signed.ts'
import { eachStore } from './stores.ts'

const DAY_MS = 86_400_000
const PURCHASE = '/v1.0/user/purchase'

interface Request {
  url?: string
  key?: string
  body?: object | string
}

/** How a customer's back end sends its reports to one server. */
async function makeClient(store: Store, { orgId }: { orgId: number }, env: Record<string, string> = {}) {
  const { app, clock, key: makeKey } = testApp(store, env)
  const credentials = await makeKey(orgId)
  return ({ url = PURCHASE, key = 'retry-1', body = { userId: 'ann', revenue: 5 } }: Request) =>
    send(app, credentials, clock.ms, { url, key, body })
}

async function send(app: FastifyInstance, credentials: Credentials, nowMs: number, { url, key, body }: Request) {
  const answer = await signedPost(app, credentials, url ?? PURCHASE, {
    nowMs,
    headers: { 'content-type': 'application/json', 'idempotency-key': key ?? '' },
    payload: body ?? '',
  })
  return { status: answer.statusCode, body: answer.body, headers: answer.headers }
}

async function countPurchases({ db }: Store, { orgId }: { orgId: number }): Promise<number> {
  const rows = await db.selectFrom('purchases as p').select('p.purchase_id').where('p.org_id', '=', orgId).execute()
  return rows.length
}

function readAnswers({ db }: Store, { orgId }: { orgId: number }) {
  return db.selectFrom('idempotent_answers as a').selectAll().where('a.org_id', '=', orgId).execute()
}

eachStore((get) => {
  test('a purchase without an id counts once, however often it is sent with its idempotency key', async () => {
    const { store } = get()
    const org = await makeOrganization(store)
    const post = await makeClient(store, org)
    for (let round = 0; round < 3; round++) {
      const { status, body } = await post({})
      assert.deepEqual([status, body], [200, ''])
    }
    assert.equal(await countPurchases(store, org), 1)
    await post({ key: 'retry-2' })
    assert.equal(await countPurchases(store, org), 2)
  })

  test('an idempotency key with another body is refused with 409, though it says the same', async () => {
    const { store } = get()
    const org = await makeOrganization(store)
    const post = await makeClient(store, org)
    assert.equal((await post({ body: '{"userId":"ann","revenue":5}' })).status, 200)
    const other = await post({ body: '{"userId":"ann", "revenue":5}' })
    assert.equal(other.status, 409)
    assert.deepEqual(JSON.parse(other.body), { message: 'The Idempotency-Key came with another body before' })
    assert.equal(other.headers['retry-after'], undefined)
    assert.equal(await countPurchases(store, org), 1)
  })

  test('an idempotency key counts for its organization and path alone', async () => {
    const { store } = get()
    const [one, other] = [await makeOrganization(store), await makeOrganization(store)]
    const post = await makeClient(store, one)
    assert.equal((await post({})).status, 200)
    assert.equal((await post({ url: `${PURCHASE}/` })).status, 200)
    assert.equal((await post({ url: '/v1.0/user/activity', body: { userId: 'ann' } })).status, 200)
    const byOther = await makeClient(store, other)
    assert.equal((await byOther({ body: { userId: 'bob', revenue: 1 } })).status, 200)
    assert.deepEqual([await countPurchases(store, one), await countPurchases(store, other)], [1, 1])
  })

  test('an idempotency key has 1 to 255 printable ASCII characters', async () => {
    const { store } = get()
    const org = await makeOrganization(store)
    const post = await makeClient(store, org)
    for (const [key, status] of [
      ['', 400],
      ['k', 200],
      ['k'.repeat(255), 200],
      ['k'.repeat(256), 400],
      ['!a ~', 200],
      ['a\tb', 400],
      ['a\u007f', 400],
      ['é', 400],
    ] as const) {
      assert.equal((await post({ key })).status, status, JSON.stringify(key))
    }
    assert.equal(await countPurchases(store, org), 3)
    assert.equal(
      (await post({ key: '' })).body,
      '{"message":"Idempotency-Key is not 1 to 255 printable ASCII characters"}',
    )
  })

  test('of requests with one idempotency key that run at once on two servers one is applied, all are answered', async () => {
    const { store, openAnother } = get()
    const org = await makeOrganization(store)
    const clients = [await makeClient(store, org), await makeClient(await openAnother(), org)]
    const answers = await Promise.all(Array.from({ length: 12 }, (_, index) => clients[index % 2]?.({})))
    assert.deepEqual(new Set(answers.map((answer) => answer?.status)), new Set([200]))
    assert.equal(await countPurchases(store, org), 1)
  })

  test('a second request with an idempotency key waits 5 s for the first one, and may come again', async () => {
    const { store, env, holdWrites } = get()
    // SQLite takes one write after the other: who waits too long there is told so as for any write
    if (!env.DATABASE_URL) return
    const org = await makeOrganization(store)
    const post = await makeClient(store, org)
    const release = await holdWrites()
    const startMs = performance.now()
    const both = [post({}), post({})]
    const refused = await Promise.race(both)
    const waitedMs = performance.now() - startMs
    await release()
    assert.deepEqual([refused.status, refused.headers['retry-after']], [409, '1'])
    assert.match(refused.body, /still runs/)
    assert.ok(waitedMs >= 5_000, `${waitedMs} ms`)
    assert.deepEqual((await Promise.all(both)).map(({ status }) => status).sort(), [200, 409])
    assert.equal((await post({})).status, 200)
    assert.equal(await countPurchases(store, org), 1)
  })

  test('a write that fails leaves its idempotency key free, also for another body', async () => {
    const { store } = get()
    const org = await makeOrganization(store)
    const post = await makeClient(store, org)
    const purchase = { userId: 'ann', revenue: 5, purchaseId: 'order' }
    await post({ key: 'first', body: purchase })
    assert.equal((await post({ body: { ...purchase, revenue: 6 } })).status, 409)
    const link = { d10xLinkId: 'nowhere', userId: 'ann' }
    assert.equal((await post({ url: '/v1.0/user/identify', body: link })).status, 404)
    assert.equal((await readAnswers(store, org)).length, 1)
    assert.equal((await post({ body: { ...purchase, purchaseId: 'order-2' } })).status, 200)
    assert.equal(await countPurchases(store, org), 2)
  })

  test('after 24 h an idempotency key counts as never used, and is deleted with time', async () => {
    const { store, execute } = get()
    const org = await makeOrganization(store)
    const post = await makeClient(store, org)
    for (const key of ['taken-over', 'old', 'young']) await post({ key })
    const age = (key: number, ms: number) =>
      execute(`update idempotent_answers set created_timestamp = ${Date.now() - ms}
        where org_id = ${org.orgId} and created_timestamp = ${key}`)
    const [first, second] = (await readAnswers(store, org)).map((row) => row.created_timestamp).sort()
    await age(first ?? 0, DAY_MS)
    assert.equal((await post({ key: 'taken-over', body: { userId: 'bob', revenue: 1 } })).status, 200)
    assert.equal((await post({ key: 'taken-over' })).status, 409)
    assert.equal((await readAnswers(store, org)).length, 3)
    await age(second ?? 0, DAY_MS)
    assert.equal((await readAnswers(store, org)).length, 3)

    const background = startBackground(store)
    while ((await readAnswers(store, org)).length > 2) await new Promise(setImmediate)
    await background.stop()
    assert.equal((await post({ key: 'young' })).status, 200)
    assert.equal(await countPurchases(store, org), 4)
  })

  test('a repeated erasure answers with the receipt of the first one, and erases nothing that came since', async () => {
    const { store, env } = get()
    const org = await makeOrganization(store)
    const post = await makeClient(store, org, env)
    await post({ key: 'before' })
    const erase = () => post({ url: '/v1.0/user/deleteUserData', key: 'erase', body: { userId: 'ann' } })
    const first = await erase()
    assert.equal(first.status, 200)
    await post({ key: 'since' })
    const repeated = await erase()
    assert.deepEqual([repeated.status, repeated.body], [200, ''])
    assert.equal(repeated.headers['x-erasure-receipt'], first.headers['x-erasure-receipt'])
    assert.equal(await countPurchases(store, org), 1)
    const receipts = store.db.selectFrom('receipts as r').select('r.receipt_id').where('r.org_id', '=', org.orgId)
    assert.equal((await receipts.execute()).length, 1)
    // what was erased is not brought back by a retry that comes too late
    assert.equal((await post({ key: 'before' })).status, 200)
    assert.equal(await countPurchases(store, org), 1)
  })

  test('nothing of an idempotency key or of a body can be read or tried out in the store', async () => {
    const { store, env } = get()
    const org = await makeOrganization(store)
    const post = await makeClient(store, org)
    await post({ key: 'key-of-ann~1', body: { userId: 'nobody', revenue: 5, purchaseId: 'order~1' } })
    await store.write('eraseUser', { orgId: org.orgId, cuid: 'nobody', erasedTimestamp: Date.now() })
    const [answer] = await readAnswers(store, org)
    assert.match(answer?.key_hash ?? '', /^[\w-]{43}$/)
    assert.match(answer?.body_hash ?? '', /^[\w-]{43}$/)
    assert.doesNotMatch(await dumpStore(env), /key-of-ann|order~1/)
  })

  test('a request without an idempotency key leaves no answer behind', async () => {
    const { store } = get()
    const org = await makeOrganization(store)
    const { key, post } = testApp(store)
    const answer = await post(await key(org.orgId), PURCHASE, { userId: 'ann', revenue: 5 })
    assert.equal(answer.statusCode, 200)
    assert.deepEqual(await readAnswers(store, org), [])
  })
})
