import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type GraphCall, type GraphReply, graphError, startGraph } from '../../test/graph.ts'
import { createGraph, GraphError } from './graph.ts'
import { EndlessListError, listPeople, type PeopleOfChannel, type Person } from './list-people.ts'

const TOKEN = 'EAAG-page-token-2a90'
const PAGE: PeopleOfChannel = { type: 'FB_PAGE', platformId: '1045' }

const conversation = (id: string, messages: object[] = []) => ({
  id: `t_${id}`,
  participants: {
    data: [
      { id, name: `Person ${id}`, email: `${id}@facebook.com` },
      { id: '1045', name: 'Golden Reel' },
    ],
  },
  messages: { data: messages, paging: { cursors: { before: 'x', after: 'y' } } },
})
const page = (data: unknown, after?: string): GraphReply => ({
  // the address would take the token elsewhere
  body: {
    data,
    paging: { cursors: { before: 'b', after }, next: 'http://127.0.0.1:9/v23.0/me/conversations?after=evil' },
  },
})

async function list(answer: (call: GraphCall, count: number) => GraphReply, channel = PAGE) {
  const graph = await startGraph((call) => answer(call, graph.calls.length), TOKEN)
  const waits: number[] = []
  const wait = async (ms: number) => void waits.push(ms)
  const people: Person[] = []
  let failure: unknown
  try {
    const asking = { graph: createGraph({ url: graph.url, timeoutMs: 500 }), token: TOKEN, wait }
    for await (const some of listPeople(asking, channel)) people.push(...some)
  } catch (error) {
    failure = error
  }
  await graph.stop()
  const after = graph.calls.map(({ params }) => params.get('after'))
  return { people, waits, failure, after, calls: graph.calls }
}

test('people are listed page by page, from cursor to cursor, and no address of an answer is followed', async () => {
  const pages: Record<string, GraphReply> = {
    first: page([conversation('1'), conversation('2')], 'one'),
    one: page([conversation('3')], 'two'),
    two: page([], 'three'),
  }
  const { people, after, calls } = await list(({ params }) => pages[params.get('after') ?? 'first'] ?? page([]))
  assert.deepEqual(
    people.map((person) => person.platformUserId),
    ['1', '2', '3'],
  )
  assert.equal(people[0]?.profile.userName, 'Person 1')
  assert.deepEqual(after, [null, 'one', 'two'])
  for (const { path, params } of calls) {
    assert.deepEqual([path, params.get('platform'), params.get('limit')], ['me/conversations', 'messenger', '50'])
    assert.doesNotMatch(params.get('fields') ?? '', /text|message\b|attachments/)
  }
  for (const last of [page([conversation('1')]), page([conversation('1')], '')]) {
    assert.deepEqual((await list(() => last)).after, [null])
  }
  assert.deepEqual((await list(() => page([conversation('1')], 'round'))).after, [null, 'round'])
})

test('of the last messages the latest of the person counts, not those of the page', async () => {
  const from = (id: string, created_time: unknown) => ({ from: { id }, created_time })
  const { people } = await list(() =>
    page([
      conversation('1', [
        from('1045', '2026-05-03T10:00:00+0000'),
        from('1', '2026-05-01T10:00:00+0000'),
        from('1', '2026-05-02T10:00:00+0000'),
      ]),
      conversation('2', [
        from('1045', '2026-05-03T10:00:00+0000'),
        ...['yesterday', undefined, '1', { toString: 1 }, '-271821-04-20T00:00:00.000Z'].map((time) => from('2', time)),
      ]),
    ]),
  )
  assert.deepEqual(
    people.map((person) => person.lastUserMessageTimestamp),
    [Date.UTC(2026, 4, 2, 10), null],
  )
})

test('a conversation that tells no one person is left out', async () => {
  const ofPeople = (...ids: unknown[]) => ({ participants: { data: ids.map((id) => ({ id })) } })
  const { people } = await list(() =>
    page([
      ofPeople('1045'),
      ofPeople('1', '2', '1045'),
      ofPeople('../me', '1045'),
      ofPeople(7, '1045'),
      {},
      null,
      'x',
      ofPeople('8', '1045'),
    ]),
  )
  assert.deepEqual(
    people.map((person) => person.platformUserId),
    ['8'],
  )
  assert.deepEqual((await list(() => ({ body: { data: 'none' } }))).people, [])
})

test('people of an Instagram account have their user names', async () => {
  const participants = {
    data: [
      { id: '17841400000000001', username: 'goldenreel' },
      { id: '9001', username: 'annlee' },
    ],
  }
  const { people, calls } = await list(() => page([{ participants }]), {
    type: 'INSTAGRAM_ACCOUNT',
    platformId: '17841400000000001',
  })
  assert.deepEqual(
    people.map((person) => [person.platformUserId, person.profile.userName]),
    [['9001', 'annlee']],
  )
  assert.equal(calls[0]?.params.get('platform'), 'instagram')
})

test('it waits where the platform was asked too much, tries again where it fails, and gives up where nothing helps', async () => {
  const limited = await list((_call, count) =>
    count === 1 ? graphError(613, 'Calls to this api have exceeded the rate limit') : page([conversation('1')]),
  )
  assert.equal(limited.people.length, 1)
  assert.ok(limited.waits.length === 1 && Number(limited.waits[0]) >= 150_000)
  const failing = await list((_call, count) => (count < 4 ? { status: 503, body: '' } : page([conversation('1')])))
  assert.deepEqual([failing.people.length, failing.waits.length], [1, 3])
  const down = await list(() => ({ status: 503, body: '' }))
  assert.ok(down.failure instanceof GraphError)
  assert.equal(down.calls.length, 6)
  const refused = await list(() => graphError(190, 'Error validating access token: Session has expired'))
  assert.ok(refused.failure instanceof GraphError)
  assert.deepEqual([refused.failure.fault, refused.calls.length], ['refused', 1])
})

test('a list without an end is left, and nobody waits before they have what was listed, or for nothing', async () => {
  const endless = await list((_call, count) => page([{}], `cursor-${count}`))
  assert.deepEqual([endless.people, endless.calls.length], [[], 100])
  assert.ok(endless.failure instanceof EndlessListError)
  const known = await list((_call, count) => page([conversation(`${count % 7}`)], `cursor-${count}`))
  assert.equal(known.calls.length, 107)
  assert.ok(known.failure instanceof EndlessListError)
  assert.match(known.failure.message, /^100 pages in a row name nobody new$/)
  const mixed = await list((_call, count) =>
    page([conversation('1'), conversation(`${count - (count % 99)}`)], count < 300 ? `cursor-${count}` : undefined),
  )
  assert.deepEqual([mixed.calls.length, mixed.failure], [300, undefined])
  const large = await list(() => page([conversation('1')], 'x'.repeat(10_000)))
  assert.deepEqual([large.people.length, large.calls.length], [1, 1])
  const busy = { 'x-app-usage': '{"call_count":95}' }
  const last = await list(() => ({ headers: busy, body: { data: [conversation('1')] } }))
  assert.deepEqual([last.people.length, last.waits], [1, []])
})
