import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { NOW, type TestApp, testApp } from '../../test/app.ts'
import { makeOrganization, type TestOrganization } from '../../test/organization.ts'
import type { Credentials } from '../../test/signed.ts'
import { eachStore } from '../../test/stores.ts'

const BIRTHDAYS = ['1988-02-29', '--05-17', '1990-05-01', null]
const USERS = 12

eachStore((get) => {
  let t: TestApp
  let org: TestOrganization
  let key: Credentials
  let list: string

  before(async () => {
    const { store } = get()
    t = testApp(store)
    org = await makeOrganization(store, { channels: 2 })
    key = await t.key(org.orgId)
    const mediumId = org.channels[0]?.mediumId ?? ''
    list = `/vip-users?workspaceId=${org.workspaceId}&mediumId=${mediumId}`
    await store.write('recordConversations', {
      orgId: org.orgId,
      conversations: Array.from({ length: USERS }, (_, index) => ({
        conversationId: `c-${index}`,
        mediumId,
        platformUserId: `p-${index}`,
        userName: `Player ${index}`,
        firstName: null,
        lastName: null,
        profilePic: `https://pictures.example.com/${index}.png`,
        lastUserMessageTimestamp: NOW - index,
        cuid: `u-${index}`,
        eventTimestamp: NOW,
      })),
    })
    await store.write('recordUsers', {
      orgId: org.orgId,
      users: Array.from({ length: USERS }, (_, index) => ({
        cuid: `u-${index}`,
        properties: [
          { key: 'ltv', value: 1000 - index },
          { key: 'birthday', value: BIRTHDAYS[index % BIRTHDAYS.length] ?? '' },
        ],
        lastAppOpenTimestamp: NOW - 1000,
        eventTimestamp: NOW,
      })),
    })
  })

  async function ask(url: string, headers: Record<string, string> = {}) {
    const answer = await t.get(key, url, headers)
    return { status: answer.statusCode, headers: answer.headers, body: answer.body === '' ? null : answer.json() }
  }
  /** each fault as `path type` */
  const faults = ({ body }: { body: { error: { path: unknown[]; type: string }[] } }) =>
    body.error.map(({ path, type }) => `${path.join('.')} ${type}`)

  test('a page has its rows with all ten fields, and says where the next one begins', async () => {
    const { status, headers, body } = await ask(`${list}&limit=1`)
    assert.equal(status, 200)
    assert.equal(headers['content-type'], 'application/json; charset=utf-8')
    assert.deepEqual(body, {
      items: [
        {
          conversationId: 'c-0',
          userName: 'Player 0',
          firstName: null,
          lastName: null,
          cuid: 'u-0',
          profilePic: 'https://pictures.example.com/0.png',
          birthday: '1988-02-29',
          lastPurchaseTimestamp: null,
          lastUserMessageTimestamp: NOW,
          lastAppOpenTimestamp: NOW - 1000,
        },
      ],
      returned: 1,
      total: USERS,
      mayHaveMore: true,
      nextOffset: 1,
      scanCapped: false,
    })
  })

  test('the list is the same under the address of the hosted service and with a trailing slash', async () => {
    const { body } = await ask(list)
    assert.deepEqual((await ask(`/externalApi/v1${list}`)).body, body)
    assert.deepEqual((await ask(list.replace('?', '/?'))).body, body)
  })

  test('a walk by nextOffset shows every row once, in order', async () => {
    const ids: string[] = []
    for (let offset: number | null = 0; offset !== null; ) {
      const { body }: { body: { items: { conversationId: string }[]; nextOffset: number | null } } = await ask(
        `${list}&limit=5&offset=${offset}`,
      )
      ids.push(...body.items.map((item) => item.conversationId))
      offset = body.nextOffset
    }
    assert.deepEqual(
      ids,
      Array.from({ length: USERS }, (_, index) => `c-${index}`),
    )
  })

  test('the last page and one past the end have the right total and no next one', async () => {
    for (const [offset, returned] of [
      [USERS - 1, 1],
      [USERS, 0],
      [Number.MAX_SAFE_INTEGER, 0],
    ]) {
      const { status, body } = await ask(`${list}&offset=${offset}`)
      assert.equal(status, 200)
      const { items, ...rest } = body
      assert.equal(items.length, returned)
      assert.deepEqual(rest, { returned, total: USERS, mayHaveMore: false, nextOffset: null, scanCapped: false })
    }
  })

  test('a limit of more than 1,000 counts as 1,000, and the answer says which was applied', async () => {
    for (const [query, applied] of [
      ['', '100'],
      ['&limit=1', '1'],
      ['&limit=1000', '1000'],
      ['&limit=1001', '1000'],
      // the cap is an upper bound, however much is asked for
      ['&limit=9007199254740992', '1000'],
      ['&limit=9007199254740991', '1000'],
    ] as const) {
      const { status, headers } = await ask(`${list}${query}`)
      assert.equal(status, 200, query)
      assert.equal(headers['x-limit-applied'], applied)
    }
  })

  test('birthday filters choose by a known birthday or by its month, and the month wins', async () => {
    for (const [query, total] of [
      ['', 12],
      ['&hasBirthday=false', 12],
      ['&hasBirthday=true', 9],
      ['&hasBirthday=TRUE', 9],
      ['&birthdayMonth=2', 3],
      ['&birthdayMonth=05', 6],
      ['&birthdayMonth=12', 0],
      ['&hasBirthday=true&birthdayMonth=5', 6],
      ['&hasBirthday=false&birthdayMonth=5', 6],
    ] as const) {
      const { body } = await ask(`${list}${query}&limit=1`)
      assert.equal(body.total, total, query)
    }
  })

  test('a parameter that is malformed, out of range, repeated or unknown is named with its fault', async () => {
    for (const [query, ...expected] of [
      ['&limit=0', 'limit number.min'],
      ['&limit=-1', 'limit number.min'],
      ['&limit=1e1', 'limit number.base'],
      ['&limit=', 'limit number.base'],
      ['&limit=1.5', 'limit number.integer'],
      ['&limit=1&limit=2', 'limit number.base'],
      ['&offset=-1', 'offset number.min'],
      ['&offset=9007199254740992', 'offset number.unsafe'],
      ['&offset=0x10', 'offset number.base'],
      ['&offset=+5', 'offset number.base'],
      ['&birthdayMonth=0', 'birthdayMonth number.min'],
      ['&birthdayMonth=13', 'birthdayMonth number.max'],
      ['&birthdayMonth=1e1', 'birthdayMonth number.base'],
      ['&hasBirthday=yes', 'hasBirthday any.only'],
      ['&hasBirthday=', 'hasBirthday any.only'],
      ['&hasBirthday=%zz', 'hasBirthday string.encoding'],
      ['&workspaceId=x', 'workspaceId string.base'],
      ['&limti=5', 'limti object.unknown'],
      ['&__proto__=5', '__proto__ object.unknown'],
      ['&%zz=5', '% object.unknown'],
      ['&orgId=2&offset=x', 'offset number.base', 'orgId object.unknown'],
    ] as const) {
      const answer = await ask(`${list}${query}`)
      assert.equal(answer.status, 422, query)
      assert.deepEqual(faults(answer), expected, query)
    }
  })

  test('an id has 1 to 255 bytes of UTF-8, well formed, without NUL', async () => {
    for (const [id, fault] of [
      ['é'.repeat(127), null],
      ['x'.repeat(255), null],
      ['x'.repeat(256), 'string.max'],
      [`${'é'.repeat(127)}xx`, 'string.max'],
      ['', 'string.empty'],
      ['a\0b', 'string.nul'],
    ] as const) {
      const answer = await ask(`/vip-users?workspaceId=${encodeURIComponent(id)}&mediumId=x`)
      if (fault === null) assert.equal(answer.status, 404)
      else assert.deepEqual(faults(answer), [`workspaceId ${fault}`])
    }
  })

  test('both parameters that are missing are named at once', async () => {
    assert.deepEqual(faults(await ask('/vip-users')), ['workspaceId any.required', 'mediumId any.required'])
  })

  test('faults of the query come before the workspace, and the workspace before the channel', async () => {
    const { store } = get()
    const { orgId } = org
    const standard = await store.write('createWorkspace', { orgId, name: 'All', type: 'STANDARD', vipIndicator: null })
    const unknown = { message: 'Unknown workspace' }
    assert.equal((await ask('/vip-users?workspaceId=x&mediumId=y&limit=0')).status, 422)
    assert.deepEqual(await answer('/vip-users?workspaceId=x&mediumId=y'), [404, unknown])
    assert.deepEqual(await answer(`/vip-users?workspaceId=${standard.workspaceId}&mediumId=y`), [
      400,
      { message: 'Workspace is not a VIP workspace' },
    ])
    const unknownChannel = { message: 'Unknown channel, or not connected to this workspace' }
    assert.deepEqual(await answer(`/vip-users?workspaceId=${org.workspaceId}&mediumId=y`), [400, unknownChannel])
    // what is remembered of one question is not the answer to another that reads like it
    assert.deepEqual(await answer(`/vip-users?workspaceId=${org.workspaceId}&mediumId=a%20b`), [400, unknownChannel])
    assert.deepEqual(await answer(`/vip-users?workspaceId=${org.workspaceId}%20a&mediumId=b`), [404, unknown])
  })

  async function answer(url: string) {
    const { status, body } = await ask(url)
    return [status, body]
  }

  test("another organization's workspace and channel are answered as unknown ones, byte for byte", async () => {
    const other = await makeOrganization(get().store)
    const mediumId = other.channels[0]?.mediumId
    assert.deepEqual(
      await answer(`/vip-users?workspaceId=${other.workspaceId}&mediumId=${mediumId}`),
      await answer('/vip-users?workspaceId=nowhere&mediumId=x'),
    )
    assert.deepEqual(
      await answer(`/vip-users?workspaceId=${org.workspaceId}&mediumId=${mediumId}`),
      await answer(`/vip-users?workspaceId=${org.workspaceId}&mediumId=x`),
    )
  })

  test('a list that has not changed is 304 to who names its tag, alone, in a list, weakly or by a star', async () => {
    const { headers } = await ask(list)
    const etag = String(headers.etag)
    assert.match(etag, /^"[^"]+"$/)
    assert.equal(headers['cache-control'], 'private, no-cache')
    for (const tag of [etag, `"x", ${etag}`, `W/${etag}`, '*']) {
      const again = await ask(list, { 'if-none-match': tag })
      assert.equal(again.status, 304, tag)
      assert.equal(again.body, null)
      assert.equal(again.headers.etag, etag)
      assert.equal(again.headers.vary, 'x-api-key')
    }
    for (const tag of ['"x"', etag.slice(0, -2), '']) {
      assert.equal((await ask(list, { 'if-none-match': tag })).status, 200, tag)
    }
  })

  test('no tag helps who has not signed, or asks for what is not there', async () => {
    const unsigned = await t.app.inject({ url: list, headers: { 'if-none-match': '*' } })
    assert.equal(unsigned.statusCode, 403)
    assert.equal((await ask('/vip-users?workspaceId=x&mediumId=y', { 'if-none-match': '*' })).status, 404)
  })

  test('HEAD answers as GET does, without the body', async () => {
    const whole = await t.get(key, list)
    const head = await t.get(key, list, {}, 'HEAD')
    assert.equal(head.statusCode, 200)
    assert.equal(head.body, '')
    assert.equal(head.headers['content-length'], whole.headers['content-length'])
    assert.equal(head.headers.etag, whole.headers.etag)
  })

  test('a change of the list gives it another tag', async () => {
    const { headers } = await ask(list)
    await get().store.write('recordUsers', {
      orgId: org.orgId,
      users: [{ cuid: 'u-0', properties: [], lastAppOpenTimestamp: NOW, eventTimestamp: NOW }],
    })
    const changed = await ask(list, { 'if-none-match': String(headers.etag) })
    assert.equal(changed.status, 200)
    assert.notEqual(changed.headers.etag, headers.etag)
    assert.equal(changed.body.items[0].lastAppOpenTimestamp, NOW)
  })
})
