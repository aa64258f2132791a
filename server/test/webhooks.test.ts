import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Store } from '../src/database/store.ts'
import { createMetrics } from '../src/http/metrics.ts'
import { verifyStore } from '../src/vip-users/verify.ts'
import { NOW, type TestApp, testApp } from './app.ts'
import { startBackground } from './background.ts'
import { conversationOf } from './conversations.ts'
import { dumpStore } from './dump-store.ts'
import { makeOrganization, type TestOrganization } from './organization.ts'
import { eachStore } from './stores.ts'
import { META, message, notification, notify, referral } from './webhooks.ts'

interface Channel extends TestOrganization {
  mediumId: string
  /** what the list says of conversations, in its order */
  rows: () => Promise<{ conversationId: string; cuid: string; lastUserMessageTimestamp: number | null }[]>
}

async function connect(store: Store, { app, key, get }: TestApp, channels = 1): Promise<Channel> {
  await app.ready()
  const organization = await makeOrganization(store, { vipIndicator: 'ltv >= 0', channels })
  const credentials = await key(organization.orgId)
  const mediumId = organization.channels.at(-1)?.mediumId ?? ''
  return {
    ...organization,
    mediumId,
    async rows() {
      const answer = await get(credentials, `/vip-users?workspaceId=${organization.workspaceId}&mediumId=${mediumId}`)
      assert.equal(answer.statusCode, 200, answer.body)
      return answer.json().items
    },
  }
}

/** Works off everything that is stored, as a server does. */
async function workOff(store: Store, orgId: number): Promise<void> {
  while ((await store.write('applyEvents', { orgId, limit: 500 })).events > 0);
}

const conversation = (channel: Channel, person: string, cuid: string | null) =>
  conversationOf(channel.mediumId, person, { cuid, eventTimestamp: NOW - 1_000_000 })

const HANDSHAKE = '/webhooks/meta?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token='

eachStore((get) => {
  test('the handshake answers the challenge to who knows the token, and 403 to others', async () => {
    const { app } = testApp(get().store, META)
    const right = await app.inject(`${HANDSHAKE}verify-me`)
    assert.deepEqual([right.statusCode, right.body], [200, '1158201444'])
    assert.match(String(right.headers['content-type']), /^text\/plain/)
    assert.equal(right.headers['x-content-type-options'], 'nosniff')
    for (const url of [
      `${HANDSHAKE}other`,
      HANDSHAKE,
      '/webhooks/meta',
      `${HANDSHAKE}verify-me&hub.verify_token=verify-me`,
      '/webhooks/meta?hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=verify-me',
      `/webhooks/meta?hub.mode=subscribe&hub.challenge=${'1'.repeat(257)}&hub.verify_token=verify-me`,
    ]) {
      const wrong = await app.inject(url)
      assert.deepEqual([wrong.statusCode, wrong.json()], [403, { message: 'Wrong signature or verify token' }], url)
    }
  })

  test('without an app secret or a verify token there is no webhook', async () => {
    const { META_APP_SECRET, META_VERIFY_TOKEN } = META
    for (const env of [{}, { META_APP_SECRET }, { META_VERIFY_TOKEN }]) {
      const { app } = testApp(get().store, env)
      assert.equal((await app.inject(`${HANDSHAKE}verify-me`)).statusCode, 404)
      assert.deepEqual((await notify(app, {})).json(), { message: 'Not found' })
    }
  })

  test('a notification is taken only with a signature of its bytes by one of the app secrets', async () => {
    const { store } = get()
    const tested = testApp(store, META)
    const { app } = tested
    const channel = await connect(store, tested)
    const body = notification(channel.mediumId, [message('p1', 'm1', NOW - 5)])
    const wrong = [
      await notify(app, body, { secret: 'other' }),
      await notify(app, body, { secret: '' }),
      await notify(app, body, { headers: { 'x-hub-signature-256': '' } }),
      await notify(app, body, { headers: { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` } }),
      await notify(app, body, { headers: { 'x-hub-signature-256': 'sha1=abc' } }),
      // before the body is parsed
      await notify(app, 'no JSON', { secret: 'other' }),
      await app.inject({ method: 'POST', url: '/webhooks/meta', payload: body }),
    ]
    for (const answer of wrong) {
      assert.deepEqual([answer.statusCode, answer.json()], [403, { message: 'Wrong signature or verify token' }])
    }
    assert.equal((await store.write('applyEvents', { orgId: channel.orgId, limit: 9 })).events, 0)
    for (const secret of ['old-secret', 'new-secret']) {
      const answer = await notify(app, body, { secret })
      assert.deepEqual([answer.statusCode, answer.body], [200, ''])
    }
    for (const broken of ['', '{', '{"object":"page"', Buffer.from([0xff, 0xfe]) as unknown as string]) {
      const answer = await notify(app, broken)
      assert.deepEqual([answer.statusCode, answer.json()], [400, { message: 'Body is not valid JSON' }])
    }
  })

  test('a message makes a conversation of who is new and moves on that of who is known', async () => {
    const { store } = get()
    const tested = testApp(store, META)
    const channel = await connect(store, tested, 2)
    const { orgId, mediumId } = channel
    await store.write('recordConversations', {
      orgId,
      conversations: [{ ...conversation(channel, 'known', 'ann'), conversationId: 'imported' }],
    })
    const body = notification(mediumId, [message('known', 'm1', NOW - 50), message('new', 'm2', NOW - 60)])
    assert.equal((await notify(tested.app, body)).statusCode, 200)
    await workOff(store, orgId)
    assert.deepEqual(
      (await channel.rows()).map((row) => [row.conversationId, row.cuid, row.lastUserMessageTimestamp]),
      [['imported', 'ann', NOW - 50]],
    )
    const conversations = await store.db
      .selectFrom('conversations as c')
      .select(['c.conversation_id', 'c.platform_user_id', 'c.last_user_message_timestamp as last'])
      .where('c.org_id', '=', orgId)
      .orderBy('c.platform_user_id')
      .execute()
    assert.deepEqual(
      conversations.map((row) => [row.platform_user_id, row.last]),
      [
        ['known', NOW - 50],
        ['new', NOW - 60],
      ],
    )
    assert.match(conversations[1]?.conversation_id ?? '', /^[0-9a-f]{24}$/)
    assert.deepEqual(await verifyStore(store, { orgId }), [])
  })

  test('a message counts once, those of an unknown page are dropped, and all that is counted', async () => {
    const { store } = get()
    const metrics = createMetrics(store)
    const tested = testApp(store, META, { metrics })
    const channel = await connect(store, tested)
    const once = notification(channel.mediumId, [message('p1', 'm1', NOW - 5), message('p1', 'm1', NOW - 5)])
    const elsewhere = notification('FB_PAGE_999999', [message('p1', 'm9', NOW - 5)])
    const read = notification(channel.mediumId, [{ sender: { id: 'p1' }, timestamp: NOW, read: { watermark: NOW } }])
    for (const body of [once, once, elsewhere, read]) assert.equal((await notify(tested.app, body)).statusCode, 200)
    await notify(tested.app, once, { secret: 'other' })
    const text = await metrics.text()
    for (const line of [
      'dynamo_webhook_events_total{kind="message"} 1',
      'dynamo_webhook_events_dropped_total{reason="repeated"} 3',
      'dynamo_webhook_events_dropped_total{reason="unknown channel"} 1',
      'dynamo_webhook_events_dropped_total{reason="read"} 1',
      'dynamo_signing_failures_total{reason="webhook"} 1',
    ]) {
      assert(text.split('\n').includes(line), line)
    }
    assert.equal((await store.write('applyEvents', { orgId: channel.orgId, limit: 9 })).events, 1)
    assert.equal((await store.write('applyEvents', { orgId: channel.orgId, limit: 9 })).events, 0)
  })

  test('a link ties the first conversation that comes with it to its user, once', async () => {
    const { store } = get()
    const tested = testApp(store, META)
    const channel = await connect(store, tested)
    const { orgId, mediumId } = channel
    const link = (cuid: string) => store.write('createUserLink', { orgId, cuid, eventTimestamp: NOW - 900 })
    const forAnn = await link('ann')
    const send = async (...events: object[]) => {
      assert.equal((await notify(tested.app, notification(mediumId, events))).statusCode, 200)
      const applied = await store.write('applyEvents', { orgId, limit: 500 })
      return [applied.unknownLinks, applied.boundLinks]
    }
    assert.deepEqual(await send(referral('p1', forAnn, NOW - 500), referral('p2', forAnn, NOW - 400)), [0, 1])
    assert.deepEqual(
      (await channel.rows()).map((row) => [row.cuid, row.lastUserMessageTimestamp]),
      [['ann', null]],
    )
    // again, by others, and with a link that nobody made
    assert.deepEqual(await send(referral('p1', forAnn, NOW - 300), referral('p3', forAnn, NOW - 300)), [0, 1])
    assert.deepEqual(await send(referral('p1', 'no-such-link', NOW - 300)), [1, 0])
    assert.deepEqual(await send(referral('p9', 'no-such-link', NOW - 300)), [1, 0])
    const people = await store.db
      .selectFrom('conversations as c')
      .select('c.platform_user_id')
      .where('c.org_id', '=', orgId)
    assert.deepEqual(
      (await people.execute()).map((one) => one.platform_user_id),
      ['p1'],
    )
    assert.deepEqual(
      (await channel.rows()).map((row) => row.cuid),
      ['ann'],
    )
    // a conversation that comes with another user's link is that user's from then on, unless it was identified later
    assert.deepEqual(await send(message('p1', 'm1', NOW - 200, { referral: { ref: await link('ben') } })), [0, 0])
    assert.deepEqual(
      (await channel.rows()).map((row) => [row.cuid, row.lastUserMessageTimestamp]),
      [['ben', NOW - 200]],
    )
    await store.write('identify', {
      orgId,
      identifications: [{ linkId: forAnn, cuid: 'cleo', eventTimestamp: NOW - 50 }],
    })
    assert.deepEqual(await send(referral('p1', await link('dan'), NOW - 100)), [0, 0])
    assert.deepEqual(
      (await channel.rows()).map((row) => row.cuid),
      ['cleo'],
    )
    assert.deepEqual(await verifyStore(store, { orgId }), [])
  })

  test('a link of another organization is unknown', async () => {
    const { store } = get()
    const tested = testApp(store, META)
    const [channel, other] = [await connect(store, tested), await connect(store, tested)]
    const theirs = await store.write('createUserLink', { orgId: other.orgId, cuid: 'ann', eventTimestamp: NOW - 900 })
    await notify(tested.app, notification(channel.mediumId, [referral('p1', theirs, NOW - 5)]))
    const applied = await store.write('applyEvents', { orgId: channel.orgId, limit: 9 })
    assert.deepEqual(applied, { events: 1, unknownLinks: 1, boundLinks: 0 })
    assert.deepEqual(await channel.rows(), [])
  })

  test('a server works off what is stored at once, and what another has stored', async () => {
    const { store } = get()
    const tested = testApp(store, META)
    const channel = await connect(store, tested)
    await store.write('recordConversations', {
      orgId: channel.orgId,
      conversations: [conversation(channel, 'p1', 'ann')],
    })
    const background = startBackground(store)
    const times = [NOW - 50, NOW - 30, NOW - 40]
    for (const [index, time] of times.entries()) {
      await notify(tested.app, notification(channel.mediumId, [message('p1', `m${index}`, time)]))
    }
    while ((await channel.rows())[0]?.lastUserMessageTimestamp !== NOW - 30) await new Promise(setImmediate)
    await background.stop()
  })

  test('an event that cannot be worked off keeps no other back', async () => {
    const { store } = get()
    const tested = testApp(store, META)
    const channel = await connect(store, tested)
    const { orgId } = channel
    await store.write('recordConversations', { orgId, conversations: [conversation(channel, 'p1', 'ann')] })
    const events = [message('bad', 'm1', NOW - 50), message('p1', 'm2', NOW - 40)]
    await notify(tested.app, notification(channel.mediumId, events))
    const failing: Store = {
      ...store,
      // the named write's own result
      write: (async (name: string, args: { limit: number }) => {
        const oldest = store.db
          .selectFrom('webhook_events as e')
          .select('e.platform_user_id as person')
          .where('e.org_id', '=', orgId)
          .orderBy('e.event_key')
        if (name === 'applyEvents') {
          const taken = await oldest.limit(args.limit).execute()
          if (taken.some(({ person }) => person === 'bad')) throw new Error('It fails')
        }
        return store.write(name as never, args as never)
      }) as unknown as Store['write'],
    }
    const background = startBackground(failing)
    while ((await channel.rows())[0]?.lastUserMessageTimestamp !== NOW - 40) await new Promise(setImmediate)
    await background.stop()
    assert.equal((await store.write('applyEvents', { orgId, limit: 9 })).events, 1)
  })

  test('nothing that a person sent is ever stored, and of who is erased nothing is left that waits', async () => {
    const { store, env } = get()
    const tested = testApp(store, META)
    const channel = await connect(store, tested)
    const { orgId } = channel
    await store.write('recordConversations', {
      orgId,
      conversations: [conversation(channel, 'platform-ann', 'ann'), conversation(channel, 'platform-ben', 'ben')],
    })
    await notify(
      tested.app,
      notification(channel.mediumId, [
        message('platform-ann', 'mid-secret', NOW - 5, {
          text: 'text-secret',
          quick_reply: { payload: 'quick-secret' },
        }),
        message('platform-ben', 'mid-ben', NOW - 5, { attachments: [{ payload: { url: 'https://attached-secret' } }] }),
      ]),
    )
    assert.match(await dumpStore(env), /platform-ann/)
    await store.write('eraseUser', { orgId, cuid: 'ann', erasedTimestamp: NOW })
    assert.doesNotMatch(await dumpStore(env), /platform-ann|-secret/)
    await workOff(store, orgId)
    assert.deepEqual(
      (await channel.rows()).map((row) => [row.cuid, row.lastUserMessageTimestamp]),
      [['ben', NOW - 5]],
    )
    assert.deepEqual(await verifyStore(store, { orgId }), [])
  })

  test('of who is erased the referral goes too that still waits with a link of theirs', async () => {
    const { store, env } = get()
    const tested = testApp(store, META)
    const channel = await connect(store, tested)
    const { orgId } = channel
    const link = await store.write('createUserLink', { orgId, cuid: 'zoe', eventTimestamp: NOW - 900 })
    await notify(tested.app, notification(channel.mediumId, [referral('platform-zoe', link, NOW - 5)]))
    await store.write('eraseUser', { orgId, cuid: 'zoe', erasedTimestamp: NOW })
    const dump = await dumpStore(env)
    assert(!dump.includes('platform-zoe') && !dump.includes(link))
  })

  test('what comes for a channel that goes meanwhile is not stored, nor taken for another organization’s', async () => {
    const { store } = get()
    const tested = testApp(store, META)
    const channel = await connect(store, tested)
    const { orgId } = channel
    const channelKey = channel.channels[0]?.channelKey ?? 0
    const event = { orgId, channelKey, platformUserId: 'p1', kind: 'message', timestamp: NOW, midHash: null } as const
    const events = [
      { ...event, mediumId: 'FB_PAGE_of-another', linkId: null },
      { ...event, mediumId: channel.mediumId, linkId: null },
    ]
    const counts = { message: 1, referral: 0, repeated: 0, 'unknown channel': 1 }
    assert.deepEqual(await store.write('storeEvents', { events }), counts)
    while (await store.write('removeOrganizationRows', { orgId }));
    await store.write('removeOrganization', { orgId })
    const none = { message: 0, referral: 0, repeated: 0, 'unknown channel': 2 }
    assert.deepEqual(await store.write('storeEvents', { events }), none)
    const left = store.db.selectFrom('webhook_events as e').select('e.event_key').where('e.org_id', '=', orgId)
    assert.deepEqual(await left.execute(), [])
  })

  test('events are given up after 7 days, and a message’s id is forgotten after 30', async () => {
    const { store } = get()
    const tested = testApp(store, META)
    const { orgId, mediumId } = await connect(store, tested)
    await notify(tested.app, notification(mediumId, [message('p1', 'm1', NOW - 5)]))
    const day = 86_400_000
    const [now, forget] = [Date.now(), (now: number) => store.write('forgetEvents', { orgId, now })]
    assert.deepEqual(await forget(now + 6.9 * day), { events: 0, messages: 0 })
    assert.deepEqual(await forget(now + 7.1 * day), { events: 1, messages: 0 })
    assert.deepEqual(await forget(now + 29.9 * day), { events: 0, messages: 0 })
    assert.deepEqual(await forget(now + 30.1 * day), { events: 0, messages: 1 })
  })

  test('the same events end in the same list, in whatever order and how often they come', async () => {
    const { store } = get()
    const tested = testApp(store, META)
    const people = ['p1', 'p2', 'p3']
    const happened = fc.record({ person: fc.constantFrom(...people), ago: fc.integer({ min: 1, max: 900 }) })
    const told = fc
      .array(happened, { minLength: 1, maxLength: 12 })
      .chain((events) =>
        fc.tuple(
          fc.constant(events),
          fc.shuffledSubarray([...events.keys(), ...events.keys()], { minLength: events.length * 2 }),
        ),
      )
    await fc.assert(
      fc.asyncProperty(told, fc.integer({ min: 1, max: 4 }), async ([events, order], size) => {
        const channel = await connect(store, tested)
        const { orgId, mediumId } = channel
        await store.write('recordConversations', {
          orgId,
          conversations: people.map((person) => conversation(channel, person, person)),
        })
        while (order.length > 0) {
          const sent = order.splice(0, size).map((index) => {
            const { person = '', ago = 0 } = events[index] ?? {}
            return message(person, `${orgId}-${index}`, NOW - ago)
          })
          await notify(tested.app, notification(mediumId, sent))
          if (order.length % 2 === 0) await workOff(store, orgId)
        }
        await workOff(store, orgId)
        const last = Object.groupBy(events, (event) => event.person)
        const wanted = people.map((person) => {
          const times = last[person]?.map(({ ago }) => NOW - ago) ?? []
          return [person, times.length > 0 ? Math.max(...times) : null]
        })
        const rows = (await channel.rows()).map((row) => [row.cuid, row.lastUserMessageTimestamp])
        assert.deepEqual(new Map(rows as [string, number][]), new Map(wanted as [string, number][]))
      }),
      { numRuns: 25 },
    )
  })
})
