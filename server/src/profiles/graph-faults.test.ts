import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type GraphReply, graphError } from '../../test/graph.ts'
import { ANN, answerAnn, connectGraph, DAY_MS, MINUTE_MS, TOKEN } from '../../test/profiles.ts'
import { eachStore } from '../../test/stores.ts'
import { createMetrics } from '../http/metrics.ts'

eachStore((get) => {
  test('with a token that the platform refuses nothing more is read, until there is another', async () => {
    const channel = await connectGraph(get(), answerAnn)
    await channel.setToken('EAAG-withdrawn-8d2e')
    await channel.report([{ platformUserId: ANN.id }, ...Array.from({ length: 30 }, () => ({}))])
    await channel.read()
    const asked = channel.graph.calls.length
    assert.ok(asked <= 4, `${asked} calls`)
    assert.deepEqual(new Set(channel.codes), new Set(['190']))
    channel.clock.ms += 7 * DAY_MS
    await channel.report([{}])
    await channel.read()
    assert.equal(channel.graph.calls.length, asked)
    assert.equal((await channel.reads()).length, 32)
    assert.doesNotMatch(channel.lines.join(), /withdrawn/)
    assert.match(channel.lines.join(), /refused an access token/)

    await channel.setToken(TOKEN)
    await channel.read()
    assert.deepEqual(await channel.reads(), [])
    assert.equal((await channel.conversationOf(ANN.id))?.user_name, ANN.name)
  })

  test('who was not asked for when a token was refused is read at once with another', async () => {
    const channel = await connectGraph(get(), ({ path }) => ({ body: { id: path, name: `Person ${path}` } }))
    await channel.setToken('EAAG-withdrawn-8d2e')
    await channel.report(Array.from({ length: 12 }, (_, n) => ({ platformUserId: `${600_000 + n}` })))
    await channel.read()
    await channel.setToken(TOKEN)
    await channel.read()
    assert.deepEqual(await channel.reads(), [])
  })

  test('a token that came while the old one was refused is not refused with it', async () => {
    const { store } = get()
    const channel = await connectGraph(get(), answerAnn)
    const { orgId, channelKey } = channel
    const ciphertext = 'the old one'
    await store.write('refuseAccessToken', { orgId, channelKey, ciphertext, refusedTimestamp: 1 })
    await channel.report([{ platformUserId: ANN.id }])
    await channel.read()
    assert.equal(channel.graph.calls.length, 1)
  })

  for (const code of [3, 10, 200, 299]) {
    test(`where the platform says ${code}, the token lacks a permission: nothing more is read until it is set again`, async () => {
      let isAllowed = false
      const channel = await connectGraph(get(), (call) =>
        isAllowed ? answerAnn(call) : graphError(code, `(#${code}) Requires pages_messaging permission`),
      )
      await channel.report([{ platformUserId: ANN.id }, ...Array.from({ length: 30 }, () => ({}))])
      await channel.read()
      const asked = channel.graph.calls.length
      assert.ok(asked <= 8, `${asked} calls`)
      channel.clock.ms += 7 * DAY_MS
      await channel.read()
      assert.equal(channel.graph.calls.length, asked)
      assert.equal((await channel.reads()).length, 31)
      assert.equal(channel.lines.filter((line) => line.includes('lacks a permission')).length, 1)
      assert.match(await createMetrics(get().store).text(), /^dynamo_refused_access_tokens [1-9]/m)

      isAllowed = true
      await channel.setToken(TOKEN)
      await channel.read()
      assert.deepEqual(await channel.reads(), [])
      assert.equal((await channel.conversationOf(ANN.id))?.user_name, ANN.name)
    })
  }

  test('in an outage a channel is left alone for longer and longer, and one person is asked for in between', async () => {
    let isOut = true
    const channel = await connectGraph(get(), (call) => (isOut ? { status: 503, body: '' } : answerAnn(call)))
    await channel.report(Array.from({ length: 60 }, (_, n) => ({ platformUserId: n === 0 ? ANN.id : `${8000 + n}` })))
    const callsAfter = async (ms: number) => {
      channel.clock.ms += ms
      const before = channel.graph.calls.length
      await channel.readOn()
      return channel.graph.calls.length - before
    }
    const first = await callsAfter(0)
    assert.ok(first >= 4 && first <= 12, `${first} calls`)
    // between half and all of it
    for (const minutes of [1, 2, 4, 8, 16, 30, 30]) {
      assert.equal(await callsAfter((minutes * MINUTE_MS) / 2 - 1), 0)
      assert.equal(await callsAfter((minutes * MINUTE_MS) / 2 + 1), 1)
    }
    isOut = false
    assert.ok((await callsAfter(30 * MINUTE_MS)) >= 50)
    await callsAfter(DAY_MS)
    assert.deepEqual(await channel.reads(), [])
    assert.equal((await channel.conversationOf(ANN.id))?.user_name, ANN.name)
    assert.equal(channel.lines.filter((line) => line.includes('does not answer as it should')).length, 8)
  })

  for (const [what, fault] of [
    ['nothing comes', { status: 500, body: '' }],
    ['a permission lacks', graphError(200, '(#200) Missing permission')],
  ] as [string, GraphReply][]) {
    test(`one person for whom ${what} keeps nobody else waiting`, async () => {
      const channel = await connectGraph(get(), ({ path }) =>
        path === ANN.id ? fault : { body: { id: path, name: `Person ${path}` } },
      )
      await channel.report([{ platformUserId: ANN.id }, ...Array.from({ length: 9 }, () => ({}))])
      await channel.readOn()
      assert.equal(channel.graph.calls.length, 10)
      assert.equal((await channel.reads()).length, 1)
    })
  }

  for (const code of [4, 17, 32, 613, 80_006]) {
    test(`a channel is left alone for a while where the platform says ${code}: it was asked too much`, async () => {
      let isLimited = true
      const channel = await connectGraph(get(), (call) =>
        isLimited ? graphError(code, '(#4) Application request limit reached') : answerAnn(call),
      )
      await channel.report(Array.from({ length: 12 }, (_, n) => ({ platformUserId: n === 0 ? ANN.id : `${8000 + n}` })))
      await channel.read()
      const asked = channel.graph.calls.length
      assert.ok(asked <= 4, `${asked} calls`)
      isLimited = false
      channel.clock.ms += 10 * MINUTE_MS - 1
      await channel.read()
      assert.equal(channel.graph.calls.length, asked)
      channel.clock.ms += 10 * MINUTE_MS + 1
      assert.deepEqual(new Set((await channel.reads()).map((read) => read.attempts)), new Set([0]))
      await channel.read()
      assert.deepEqual(await channel.reads(), [])
      assert.equal((await channel.conversationOf(ANN.id))?.user_name, ANN.name)
    })
  }

  test('where the whole app was asked too much, no other channel is asked for either', async () => {
    const channel = await connectGraph(get(), () => graphError(4, '(#4) Application request limit reached'))
    const [, other] = channel.channels
    assert.ok(other)
    await channel.setToken(TOKEN, other)
    await channel.report([{ platformUserId: ANN.id }, { platformUserId: '7002', mediumId: other.mediumId }])
    await channel.read()
    assert.equal(channel.graph.calls.length, 1)
    assert.equal((await channel.reads()).length, 2)
  })

  test('a channel is left alone for as long as the platform says when its limits are nearly used up', async (t) => {
    t.mock.method(Math, 'random', () => 0)
    const usage = {
      call_count: 91,
      total_cputime: 3,
      total_time: 4,
      type: 'messenger',
      estimated_time_to_regain_access: 7,
    }
    const headers = { 'x-business-use-case-usage': JSON.stringify({ '1045': [usage] }), 'x-app-usage': '{broken' }
    const channel = await connectGraph(get(), () => ({ body: ANN, headers }))
    await channel.report(Array.from({ length: 12 }, () => ({})))
    await channel.read()
    const asked = channel.graph.calls.length
    assert.ok(asked <= 4, `${asked} calls`)
    channel.clock.ms += 7 * MINUTE_MS - 1
    await channel.read()
    assert.equal(channel.graph.calls.length, asked)
    channel.clock.ms += 1
    await channel.read()
    assert.ok(channel.graph.calls.length > asked)
  })

  test('channels that are told the same pause do not come back together, and none comes back before it is over', async (t) => {
    const usage = { call_count: 95, estimated_time_to_regain_access: 30 }
    const headers = { 'x-business-use-case-usage': JSON.stringify({ '1045': [usage] }) }
    const channel = await connectGraph(get(), () => ({ body: ANN, headers }))
    const pausedMinutes = async (random: number) => {
      t.mock.method(Math, 'random', () => random)
      await channel.setToken(TOKEN)
      await channel.report([{}])
      await channel.read()
      const { until } = await get()
        .store.db.selectFrom('channels as c')
        .select('c.graph_paused_until_timestamp as until')
        .where('c.org_id', '=', channel.orgId)
        .where('c.channel_key', '=', channel.channelKey)
        .executeTakeFirstOrThrow()
      return ((until ?? 0) - channel.clock.ms) / MINUTE_MS
    }
    assert.deepEqual(
      [await pausedMinutes(0), await pausedMinutes(0.5), await pausedMinutes(0.999_999_999)],
      [30, 35, 40],
    )
  })

  test('where what the whole app may ask is nearly used up, no other channel is asked for either', async () => {
    let usage: object = { call_count: 90, total_cputime: 3, total_time: 4 }
    const channel = await connectGraph(get(), () => ({ body: ANN, headers: { 'x-app-usage': JSON.stringify(usage) } }))
    const [, other] = channel.channels
    assert.ok(other)
    await channel.setToken(TOKEN, other)
    await channel.report([{ platformUserId: ANN.id }, { platformUserId: '7002', mediumId: other.mediumId }])
    await channel.read()
    assert.equal(channel.graph.calls.length, 1)
    usage = { call_count: 89 }
    channel.graph.calls.splice(0)
    await channel.report([{}, { mediumId: other.mediumId }])
    // another server, which has not been told
    await channel.read()
    assert.ok(channel.graph.calls.length >= 2, `${channel.graph.calls.length} calls`)
  })

  test('a person without a profile is left for a day', async () => {
    const channel = await connectGraph(get(), () => undefined)
    await channel.report([{ platformUserId: '9001', cuid: 'ben' }])
    await channel.read()
    await channel.report([{ platformUserId: '9001', lastUserMessageTimestamp: 5 }])
    await channel.read()
    assert.deepEqual(channel.codes, ['100'])
    await get().execute(`update conversations set profile_read_timestamp = 0 where org_id = ${channel.orgId}`)
    await channel.report([{ platformUserId: '9001', lastUserMessageTimestamp: 6 }])
    await channel.read()
    assert.deepEqual(channel.codes, ['100', '100'])
    assert.equal((await channel.rows())[0]?.userName, null)
  })

  const endless = 'x'.repeat(2 * 1024 * 1024)
  const failures: [what: string, code: string, reply: GraphReply][] = [
    ['an error that passes', '2', graphError(2, 'Service temporarily unavailable', { is_transient: true })],
    ['an error of its own', '1', graphError(1, 'An unknown error occurred')],
    ['a proxy’s page', 'http 5xx', { status: 502, body: '<html>Bad gateway</html>' }],
    ['a broken answer', 'malformed', { body: '{"id":"7001","name":"An' }],
    ['a list', 'malformed', { body: '[]' }],
    ['an endless answer', 'too large', { body: `{"id":"7001","name":"${endless}"}` }],
    ['a redirect', 'redirect', { status: 302, headers: { location: 'http://127.0.0.1:9/stolen' }, body: '' }],
    ['no answer', 'timeout', () => undefined],
    ['a connection that ends', 'network', (response) => response.destroy()],
  ]
  test('whatever else goes wrong, a person is asked for again at growing intervals, and in the end left for a day', async () => {
    for (const [what, code, reply] of failures) {
      const channel = await connectGraph(get(), () => reply, { timeoutMs: 200 })
      await channel.report([{ platformUserId: ANN.id }])
      await channel.read()
      await channel.read()
      assert.deepEqual(channel.codes, [code], what)
      const [waiting] = await channel.reads()
      const afterMs = (waiting?.due_timestamp ?? 0) - channel.clock.ms
      assert.ok(afterMs >= MINUTE_MS / 2 && afterMs <= MINUTE_MS, `${what}: ${afterMs}`)
      if (code === 'timeout') continue
      for (let attempt = 2; attempt <= 8; attempt++) {
        assert.equal((await channel.reads())[0]?.attempts, attempt - 1)
        channel.clock.ms += 2 ** attempt * MINUTE_MS
        await channel.read()
      }
      assert.equal(channel.codes.length, 8)
      assert.deepEqual(await channel.reads(), [])
      assert.equal((await channel.conversationOf(ANN.id))?.profile_read_timestamp, channel.clock.ms)
    }
  })

  test('an id that is none of the platform’s is never asked for', async () => {
    const channel = await connectGraph(get(), () => ({ body: ANN }))
    await channel.report(
      ['me', '..', '../me/accounts', 'me?fields=x', '7 1', '７００１'].map((id) => ({ platformUserId: id })),
    )
    await channel.read()
    assert.deepEqual([channel.graph.calls, await channel.reads()], [[], []])
  })
})
