import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { testApp } from './app.ts'
import { recordVips } from './lists.ts'
import { makeOrganization } from './organization.ts'
import { sign } from './signed.ts'
import { eachStore } from './stores.ts'

/** On each store. */
const REQUESTS = 6_000
const VICTIM = 'belongs-to-the-victim'

const odd = fc.constantFrom(
  '',
  ' ',
  '0',
  '-1',
  '1',
  '12',
  '13',
  '1e1',
  '0x10',
  '+5',
  '1.5',
  'NaN',
  'Infinity',
  '9007199254740993',
  '9'.repeat(400),
  'true',
  'FALSE',
  'null',
  'undefined',
  '%',
  '%zz',
  '%00',
  '%ff%fe',
  '%F0%9F%92%A9',
  '__proto__',
  'constructor',
  "'",
  '"',
  "' or 1=1 --",
  '$1',
  '?1',
  '{"$ne":1}',
  '../../etc/passwd',
  '<script>',
  '\u202e',
  'a'.repeat(255),
  'a'.repeat(256),
)
const name = fc.constantFrom(
  'workspaceId',
  'mediumId',
  'hasBirthday',
  'birthdayMonth',
  'limit',
  'offset',
  'q',
  'orgId',
  'limit[]',
  '__proto__',
  '%',
  '',
)
const path = fc.constantFrom(
  '/vip-users',
  '/vip-users/',
  '/externalApi/v1/vip-users',
  '/organizations',
  '/workspaces',
  '/channels',
  '/vip-users/export',
  '/nothing',
  '//',
  '/vip-users/../organizations',
  '/%2e%2e/',
  '/openapi.json',
)
const method = fc.constantFrom('GET', 'GET', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH')

eachStore((get) => {
  test('no query and no header makes a 5xx or shows another organization', async () => {
    const { store } = get()
    const own = await makeOrganization(store, { vipIndicator: 'ltv >= 0' })
    const victim = await makeOrganization(store, { vipIndicator: 'ltv >= 0' })
    await recordVips(store, { orgId: own.orgId, mediumId: own.channels[0]?.mediumId ?? '', count: 30 })
    const [secretChannel] = victim.channels
    assert(secretChannel)
    await store.write('recordConversations', {
      orgId: victim.orgId,
      conversations: [
        {
          conversationId: VICTIM,
          mediumId: secretChannel.mediumId,
          platformUserId: VICTIM,
          userName: VICTIM,
          firstName: VICTIM,
          lastName: VICTIM,
          profilePic: null,
          lastUserMessageTimestamp: null,
          cuid: VICTIM,
          eventTimestamp: 1_770_000_000_000,
        },
      ],
    })
    const { app, clock, key } = testApp(store)
    const credentials = await key(own.orgId)
    const signed = sign(credentials, new Date(clock.ms).toISOString())

    const known = fc.constantFrom(
      own.workspaceId,
      own.channels[0]?.mediumId ?? '',
      victim.workspaceId,
      secretChannel.mediumId,
      victim.organizationId,
    )
    const value = fc.oneof(odd, known, fc.string({ unit: 'binary', maxLength: 20 }).map(encode))
    const anyQuery = fc
      .array(fc.tuple(name, value), { maxLength: 7 })
      .map((pairs) => pairs.map((pair) => pair.join('=')))
    // a request that nearly works: everything right but one part
    const nearQuery = fc.tuple(name, value).map(([key, part]) => {
      const right = [`workspaceId=${own.workspaceId}`, `mediumId=${own.channels[0]?.mediumId}`, 'limit=5', 'offset=3']
      return [...right.filter((one) => !one.startsWith(`${key}=`)), `${key}=${part}`]
    })
    const query = fc.oneof(anyQuery, nearQuery).map((parts) => parts.join('&'))
    const headers = fc.oneof(
      { weight: 6, arbitrary: fc.constant({}) },
      {
        weight: 1,
        arbitrary: fc.dictionary(
          fc.constantFrom(
            'x-api-key',
            'x-date',
            'x-signature',
            'if-none-match',
            'content-type',
            'x-forwarded-for',
            'accept',
          ),
          fc.string({ unit: 'grapheme-ascii', maxLength: 70 }),
        ),
      },
    )
    const statuses = new Map<number, number>()
    await fc.assert(
      fc.asyncProperty(method, path, query, headers, async (verb, route, search, extra) => {
        const response = await app.inject({
          method: verb as 'GET',
          url: `${route}?${search}`,
          headers: { ...signed, ...extra },
        })
        statuses.set(response.statusCode, (statuses.get(response.statusCode) ?? 0) + 1)
        assert(response.statusCode < 500, `${response.statusCode} ${response.body}`)
        assert(!response.body.includes(VICTIM), response.body)
        if (response.statusCode >= 400 && verb !== 'HEAD') {
          const body = response.json() as Record<string, unknown>
          assert('message' in body || 'error' in body, response.body)
        }
      }),
      { numRuns: REQUESTS },
    )
    for (const status of [200, 204, 403, 404, 405, 422]) {
      assert(statuses.has(status), `no answer was ${status}: ${JSON.stringify([...statuses])}`)
    }
    await app.close()
  })

  test('another organization and an unknown one get the same answer, byte for byte', async () => {
    const { store } = get()
    const own = await makeOrganization(store)
    const victim = await makeOrganization(store)
    const { app, get: ask, key } = testApp(store)
    const credentials = await key(own.orgId)
    const ownChannel = own.channels[0]?.mediumId ?? ''
    const foreign = victim.channels[0]?.mediumId ?? ''
    const pairs = [
      [
        `/vip-users?workspaceId=${victim.workspaceId}&mediumId=${foreign}`,
        `/vip-users?workspaceId=nope&mediumId=${foreign}`,
      ],
      [
        `/vip-users?workspaceId=${own.workspaceId}&mediumId=${foreign}`,
        `/vip-users?workspaceId=${own.workspaceId}&mediumId=nope`,
      ],
      [`/channels?workspaceId=${victim.workspaceId}`, '/channels?workspaceId=nope'],
    ]
    for (const [theirs = '', unknown = ''] of pairs) {
      const [one, other] = [await ask(credentials, theirs), await ask(credentials, unknown)]
      assert.equal(one.statusCode, other.statusCode)
      assert.equal(one.body, other.body)
    }
    const list = await ask(credentials, `/vip-users?workspaceId=${own.workspaceId}&mediumId=${ownChannel}`)
    assert.equal(list.statusCode, 200)
    for (const url of ['/organizations', '/workspaces', '/channels']) {
      const { body } = await ask(credentials, url)
      for (const id of [victim.organizationId, victim.workspaceId, foreign]) assert(!body.includes(`"${id}"`))
    }
    await app.close()
  })
})

/** Random text as a query carries it, broken here and there. */
function encode(text: string): string {
  return Buffer.from(text).reduce((query, byte) => `${query}%${byte.toString(16).padStart(2, '0')}`, '')
}
