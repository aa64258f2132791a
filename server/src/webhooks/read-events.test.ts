import assert from 'node:assert/strict'
import { test } from 'node:test'
import { message, notification, referral } from '../../test/webhooks.ts'
import { readEvents } from './read-events.ts'

const NOW = 1_780_000_000_000
const PAGE = 'FB_PAGE_111'
const ACCOUNT = 'INSTAGRAM_ACCOUNT_222'
const read = (body: unknown) => readEvents(body, NOW)
const person = { sender: { id: '9001' }, recipient: { id: '111' }, timestamp: NOW - 5 }
const event = {
  channelType: 'FB_PAGE',
  platformId: '111',
  platformUserId: '9001',
  timestamp: NOW - 5,
  mid: null,
  linkId: null,
} as const

test('what a person writes is a message, whatever it is made of, and nothing that it says is kept', () => {
  const kinds = [
    { text: 'My card number is 4111' },
    { attachments: [{ type: 'image', payload: { url: 'https://example.com/me.jpg' } }] },
    { text: 'Yes', quick_reply: { payload: 'SECRET_PAYLOAD' } },
  ]
  for (const mediumId of [PAGE, ACCOUNT]) {
    const { events, dropped } = read(
      notification(
        mediumId,
        kinds.map((parts, index) => message('9001', `m${index}`, NOW - index, parts)),
      ),
    )
    assert.deepEqual(dropped, {})
    assert.deepEqual(
      events.map(({ kind, mid, timestamp, platformUserId }) => [kind, mid, timestamp, platformUserId]),
      kinds.map((_, index) => ['message', `m${index}`, NOW - index, '9001']),
    )
    assert.doesNotMatch(JSON.stringify(events), /4111|me\.jpg|SECRET_PAYLOAD|Yes/)
  }
})

test('a button that a person presses is a message of theirs, with the link that it came with', () => {
  const pressed = { ...person, postback: { mid: 'p1', title: 'Start', payload: 'GO', referral: { ref: 'link-1' } } }
  assert.deepEqual(read(notification(PAGE, [pressed])).events, [
    { ...event, kind: 'message', mid: 'p1', linkId: 'link-1' },
  ])
})

test('a referral is no message; one in a message is both', () => {
  assert.deepEqual(read(notification(PAGE, [referral('9001', 'link-1', NOW - 5)])).events, [
    { ...event, kind: 'referral', linkId: 'link-1' },
  ])
  const both = message('9001', 'm1', NOW - 5, { referral: { ref: 'link-2', source: 'ADS' } })
  assert.deepEqual(read(notification(PAGE, [both])).events, [
    { ...event, kind: 'message', mid: 'm1', linkId: 'link-2' },
  ])
})

test('what is nobody’s message is counted by kind and dropped', () => {
  const echo = {
    sender: { id: '111' },
    recipient: { id: '9001' },
    timestamp: NOW,
    message: { mid: 'e', is_echo: true },
  }
  const others = [
    echo,
    { ...person, read: { watermark: NOW } },
    { ...person, delivery: { mids: ['m1'] } },
    { ...person, reaction: { mid: 'm1', action: 'react' } },
    message('9001', 'm1', NOW, { is_deleted: true }),
    { ...person, optin: { ref: 'x' } },
    'nonsense',
    null,
  ]
  assert.deepEqual(read(notification(PAGE, others as object[])), {
    events: [],
    dropped: { echo: 1, read: 1, delivery: 1, reaction: 1, deleted: 1, other: 3 },
  })
  const changes = { object: 'instagram', entry: [{ id: '222', changes: [{ field: 'comments' }, { field: 'x' }] }] }
  assert.deepEqual(read(changes), { events: [], dropped: { change: 2 } })
  for (const body of [{ object: 'user', entry: [] }, {}, [], null, 5, 'page']) {
    assert.deepEqual(read(body), { events: [], dropped: { other: 1 } })
  }
})

test('an event without a person, or whose person is the page, is malformed', () => {
  const malformed = [
    { ...person, sender: undefined, message: { mid: 'm' } },
    { ...person, sender: { user_ref: 'x' }, message: { mid: 'm' } },
    { ...person, sender: { id: '' }, message: { mid: 'm' } },
    { ...person, sender: { id: 'x'.repeat(256) }, message: { mid: 'm' } },
    { ...person, sender: { id: 'a\0b' }, message: { mid: 'm' } },
    { ...person, sender: { id: '\ud800' }, message: { mid: 'm' } },
    { ...person, sender: { id: '111' }, message: { mid: 'm' } },
  ]
  assert.deepEqual(read(notification(PAGE, malformed)), { events: [], dropped: { malformed: malformed.length } })
})

test('what another app of the page was told of counts too', () => {
  const { object, entry } = notification(PAGE, []) as { object: string; entry: object[] }
  const body = { object, entry: [{ ...entry[0], standby: [message('9001', 'm1', NOW - 5)] }] }
  assert.deepEqual(read(body).events, [{ ...event, kind: 'message', mid: 'm1' }])
})

test('times are ms or seconds, as number or text, else the notification’s, and never later than now', () => {
  const timeOf = (timestamp: unknown, time?: unknown) =>
    read(notification(PAGE, [{ ...person, timestamp, message: { mid: 'm' } }], time as number)).events[0]?.timestamp
  assert.equal(timeOf(NOW - 604_800_000), NOW - 604_800_000)
  assert.equal(timeOf(Math.floor(NOW / 1_000)), Math.floor(NOW / 1_000) * 1_000)
  assert.equal(timeOf(`${NOW - 7}`), NOW - 7)
  assert.equal(timeOf(NOW + 999_999), NOW)
  for (const odd of [undefined, null, -1, 0, 1.5, 'soon', {}, Number.MAX_VALUE]) {
    assert.equal(timeOf(odd, NOW - 9), NOW - 9)
    assert.equal(timeOf(odd, 'never'), undefined)
  }
})
