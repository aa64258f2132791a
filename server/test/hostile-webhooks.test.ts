import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readEvents } from '../src/webhooks/read-events.ts'
import { NOW, testApp } from './app.ts'
import { makeOrganization } from './organization.ts'
import { eachStore } from './stores.ts'
import { META, message, notification, notify, referral } from './webhooks.ts'

/** On each store. */
const BODIES = 5_000

const NAMES = [
  'object',
  'entry',
  'id',
  'time',
  'messaging',
  'standby',
  'changes',
  'sender',
  'timestamp',
  'message',
  'mid',
]
const MORE_NAMES = [
  'postback',
  'referral',
  'ref',
  'is_echo',
  'read',
  'recipient',
  '__proto__',
  'constructor',
  'toString',
]
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom('', 'page', 'instagram', 'p1', 'm1', 'x'.repeat(256), '\0', '\ud800', "' or 1=1 --", '{}'),
)
const number = fc.oneof(fc.double({ noNaN: true }), fc.integer(), fc.constantFrom(NOW, 1e300, -1, 2 ** 53))
const scalar = fc.oneof(text, number, fc.boolean(), fc.constant(null))
const { anything } = fc.letrec<{ anything: unknown }>((tie) => ({
  anything: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.array(tie('anything'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom(...NAMES, ...MORE_NAMES), tie('anything'), { maxKeys: 5 }),
  ),
}))

eachStore((get) => {
  test('no body of a webhook is ever answered 5xx, or stored in part', async () => {
    const { store } = get()
    const { app } = testApp(store, META)
    const { orgId, channels } = await makeOrganization(store)
    const mediumId = channels[0]?.mediumId ?? ''
    const right = fc.constantFrom(message('p1', 'm1', NOW - 5), referral('p2', 'link-1', NOW - 5))
    /** Of a right body some part is something else. */
    const mutated = fc
      .tuple(
        fc.array(fc.oneof(right, anything), { maxLength: 4 }),
        anything,
        fc.constantFrom('sender', 'message', 'timestamp'),
      )
      .map(([events, odd, part]) =>
        notification(mediumId, [...events, { ...message('p3', 'm3', NOW), [part]: odd }] as object[]),
      )
    const body = fc.oneof(
      mutated.map((value) => JSON.stringify(value)),
      anything.map((value) => JSON.stringify(value)),
      fc.tuple(mutated, fc.nat(400)).map(([value, length]) => JSON.stringify(value).slice(0, length)),
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.constantFrom('['.repeat(50_000), '{"a":'.repeat(20_000)),
    )
    const statuses = new Set<number>()
    const seenMids = new Set<string>()
    let count = 0

    /** What of a body is to be stored: its events on our channel, a message's id once. */
    function toStore(bytes: string): number {
      const ours = readEvents(JSON.parse(bytes), NOW).events.filter(
        ({ channelType, platformId }) => `${channelType}_${platformId}` === mediumId,
      )
      return ours.filter(({ mid }) => mid === null || (!seenMids.has(mid) && seenMids.add(mid))).length
    }

    await fc.assert(
      fc.asyncProperty(
        body,
        fc.constantFrom('new-secret', 'old-secret', 'new-secret', 'forged'),
        async (bytes, secret) => {
          const answer = await notify(app, bytes, { secret })
          statuses.add(answer.statusCode)
          assert(answer.statusCode < 500, answer.body)
          const before = count
          count = await countStored()
          if (answer.statusCode === 200) assert.equal(answer.body, '')
          assert.equal(count - before, answer.statusCode === 200 ? toStore(bytes) : 0)
        },
      ),
      { numRuns: BODIES },
    )
    assert.deepEqual([...statuses].sort(), [200, 400, 403])
    const stored = await store.db.selectFrom('webhook_events as e').selectAll().where('e.org_id', '=', orgId).execute()
    assert(stored.length > 0)
    for (const { platform_user_id, timestamp, channel_key } of stored) {
      assert(platform_user_id.length > 0 && timestamp > 0 && channel_key === channels[0]?.channelKey)
    }
    while ((await store.write('applyEvents', { orgId, limit: 500 })).events > 0);
    assert.equal(await countStored(), 0)

    async function countStored(): Promise<number> {
      const { count } = await store.db
        .selectFrom('webhook_events as e')
        .select((eb) => eb.fn.countAll().as('count'))
        .where('e.org_id', '=', orgId)
        .executeTakeFirstOrThrow()
      return Number(count)
    }
  })

  test('a page that we know is found behind however many that we do not know', async () => {
    const { store } = get()
    const { app } = testApp(store, META)
    const { orgId, channels } = await makeOrganization(store)
    const unknown = Array.from({ length: 15_000 }, (_, n) => `FB_PAGE_none-${n}`)
    const entry = [...unknown, channels[0]?.mediumId ?? ''].map(
      (mediumId) => (notification(mediumId, [referral('p1', 'l', NOW)]) as { entry: object[] }).entry[0],
    )
    const answer = await notify(app, { object: 'page', entry })
    assert.equal(answer.statusCode, 200, answer.body)
    assert.equal((await store.write('applyEvents', { orgId, limit: 9 })).events, 1)
  })
})
