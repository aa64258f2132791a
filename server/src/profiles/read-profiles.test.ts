import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dumpStore } from '../../test/dump-store.ts'
import type { GraphReply } from '../../test/graph.ts'
import { ANN, answerAnn, connectGraph, DAY_MS, MINUTE_MS, TOKEN } from '../../test/profiles.ts'
import { eachStore } from '../../test/stores.ts'
import { exportUser } from '../users/export-user.ts'
import { makeLists } from '../vip-users/make-lists.ts'
import { verifyStore } from '../vip-users/verify.ts'
import { readDueProfiles } from './read-profiles.ts'

eachStore((get) => {
  test('the profile of a new conversation is read once, and shows in the list with the time at which it was read', async () => {
    const { store } = get()
    const channel = await connectGraph(get(), answerAnn)
    await channel.report([{ platformUserId: ANN.id, cuid: 'ann' }])
    await channel.read()
    await channel.read()
    assert.deepEqual(
      channel.graph.calls.map(({ path, params, token }) => [path, params.toString(), token]),
      [[ANN.id, 'fields=name%2Cfirst_name%2Clast_name%2Cprofile_pic', TOKEN]],
    )
    const [row] = await channel.rows()
    assert.deepEqual(
      [row?.userName, row?.firstName, row?.lastName, row?.profilePic],
      [ANN.name, ANN.first_name, ANN.last_name, ANN.profile_pic],
    )
    const conversation = await channel.conversationOf(ANN.id)
    assert.equal(conversation?.profile_pic_timestamp, channel.clock.ms)
    assert.equal(conversation?.profile_read_timestamp, channel.clock.ms)
    assert.deepEqual(await channel.reads(), [])
    assert.deepEqual(await verifyStore(store, { orgId: channel.orgId }), [])
  })

  test('an Instagram account is asked for the user name', async () => {
    const answer = { id: '7002', name: 'Ann Lee', username: 'annlee', profile_pic: 'https://cdninstagram.com/7002.jpg' }
    const channel = await connectGraph(get(), () => ({ body: answer }), { channel: 1 })
    await channel.report([{ platformUserId: '7002', cuid: 'ann' }])
    await channel.read()
    assert.equal(channel.graph.calls[0]?.params.get('fields'), 'name,username,profile_pic')
    const [row] = await channel.rows()
    assert.deepEqual([row?.userName, row?.firstName, row?.profilePic], ['annlee', null, answer.profile_pic])
  })

  test('a profile is read anew once it is a day old: when the person writes, or a list row is written', async () => {
    const { store, execute } = get()
    const channel = await connectGraph(get(), answerAnn)
    const { orgId } = channel
    const writes = (timestamp: number) =>
      channel.report([{ platformUserId: ANN.id, lastUserMessageTimestamp: timestamp }])
    const buys = (purchaseId: string) =>
      store.write('recordPurchases', {
        orgId,
        purchases: [{ purchaseId, cuid: 'ann', revenueMicros: 1_000_000n, timestamp: 1_770_000_000_000 }],
      })
    const aDayPasses = () =>
      execute(`update conversations set profile_read_timestamp = profile_read_timestamp - ${DAY_MS} - ${MINUTE_MS}
        where org_id = ${orgId}`)
    const callsAfter = async (happens: Promise<unknown>) => {
      await happens
      await channel.read()
      return channel.graph.calls.splice(0).length
    }
    assert.equal(await callsAfter(channel.report([{ platformUserId: ANN.id, cuid: 'ann' }])), 1)
    assert.equal(await callsAfter(writes(1)), 0)
    assert.equal(await callsAfter(buys('p1')), 0)
    await aDayPasses()
    assert.equal(await callsAfter(buys('p2')), 1)
    assert.equal(await callsAfter(buys('p3')), 0)
    await aDayPasses()
    assert.equal(await callsAfter(writes(1)), 0, 'nothing changed')
    assert.equal(await callsAfter(writes(2)), 1)
    assert.equal(await callsAfter(writes(3)), 0)
    await aDayPasses()
    await channel.setToken(null)
    assert.equal(await callsAfter(buys('p4')), 0)
    assert.deepEqual(await channel.reads(), [])
  })

  test('a new rule has old profiles read of those who are VIP by it, and of nobody else', async () => {
    const { store, execute } = get()
    const people = ['8001', '8002', '8003']
    const channel = await connectGraph(get(), ({ path }) => ({ body: { id: path, name: `Person ${path}` } }))
    const { orgId, workspaceKey } = channel
    await channel.report(people.map((platformUserId) => ({ platformUserId, cuid: platformUserId })))
    await channel.read()
    channel.graph.calls.splice(0)
    const purchases = people.map((cuid, index) => ({
      purchaseId: cuid,
      cuid,
      revenueMicros: BigInt(index) * 1_000_000n,
      timestamp: 1_770_000_000_000,
    }))
    await store.write('recordPurchases', { orgId, purchases })
    const [, , fresh = ''] = people
    await execute(`update conversations set profile_read_timestamp = profile_read_timestamp - ${DAY_MS} - ${MINUTE_MS}
      where org_id = ${orgId} and platform_user_id <> '${fresh}'`)
    await store.write('setVipIndicator', { orgId, workspaceKey, vipIndicator: 'ltv >= 1' })
    await makeLists(store, { orgId, workspaceKey })
    await channel.read()
    assert.deepEqual(
      channel.graph.calls.map(({ path }) => path),
      ['8002'],
    )
    assert.equal((await channel.rows()).length, 2)
    assert.deepEqual(await channel.reads(), [])
    assert.deepEqual(await verifyStore(store, { orgId }), [])
  })

  test('the profile of a person who was erased while it was read is written nowhere', async () => {
    const { store, env } = get()
    const erased = Promise.withResolvers<void>()
    const eraseMeanwhile: GraphReply = (response) => {
      store
        .write('eraseUser', { orgId: channel.orgId, cuid: 'ann', erasedTimestamp: Date.now() })
        // the person comes back at once, as somebody new
        .then(() => channel.report([{ platformUserId: ANN.id, lastUserMessageTimestamp: 5 }]))
        .then(() => response.end(JSON.stringify({ ...ANN, name: 'Erased Name' })))
        .then(() => erased.resolve(), erased.reject)
    }
    const channel = await connectGraph(get(), () => (channel.graph.calls.length === 1 ? eraseMeanwhile : { body: ANN }))
    await channel.report([{ platformUserId: ANN.id, cuid: 'ann' }])
    await channel.read()
    await erased.promise
    const conversation = await channel.conversationOf(ANN.id)
    assert.deepEqual([conversation?.user_name, conversation?.profile_read_timestamp], [ANN.name, channel.clock.ms])
    assert.equal(channel.graph.calls.length, 2)
    assert.doesNotMatch(await dumpStore(env), /Erased Name/)
    assert.deepEqual(await verifyStore(store, { orgId: channel.orgId }), [])
  })

  test('what one server has taken no other reads, until the lease is over; then the first writes nothing', async () => {
    const { store } = get()
    const channel = await connectGraph(get(), answerAnn)
    const { orgId, channelKey } = channel
    await channel.report([{ platformUserId: ANN.id }])
    const now = channel.clock.ms
    const take = (lease: string, at: number) =>
      store.write('takeProfileReads', { orgId, channelKey, now: at, limit: 9, lease, leasedUntil: at + MINUTE_MS })
    const [read] = await take('one', now)
    assert.equal(read?.platformUserId, ANN.id)
    assert.deepEqual(await take('two', now + MINUTE_MS - 1), [])
    assert.deepEqual(await take('two', now + MINUTE_MS), [read])
    const profile = { userName: 'Late', firstName: null, lastName: null, profilePic: null }
    const conversationKey = read?.conversationKey ?? 0
    const record = (lease: string) =>
      store.write('recordProfile', { orgId, conversationKey, lease, profile, readTimestamp: now })
    assert.equal(await record('one'), false)
    assert.equal((await channel.conversationOf(ANN.id))?.user_name, null)
    assert.equal(await record('two'), true)
    assert.equal(await record('two'), false)
    assert.equal((await channel.conversationOf(ANN.id))?.user_name, 'Late')
  })

  test('who wrote last is asked for first', async () => {
    const channel = await connectGraph(get(), () => ({ body: ANN }))
    await channel.report(Array.from({ length: 40 }, (_, n) => ({ platformUserId: `${900_000 + n}` })))
    await get().execute(`update profile_reads set due_timestamp = due_timestamp - 1 where org_id = ${channel.orgId}`)
    await channel.report([{ platformUserId: ANN.id }])
    await channel.read()
    assert.equal(channel.graph.calls[0]?.path, ANN.id)
    assert.equal(channel.graph.calls.length, 41)
  })

  test('two servers share the people of a channel, and ask for each of them once', async () => {
    const { store, openAnother } = get()
    const other = await openAnother()
    const channel = await connectGraph(get(), ({ path }) => ({ body: { id: path, name: `Person ${path}` } }))
    const people = Array.from({ length: 90 }, (_, n) => `${500_000 + n}`)
    await channel.report(people.map((platformUserId) => ({ platformUserId, cuid: platformUserId })))
    await Promise.all([channel.read(), readDueProfiles({ ...channel.reader, store: other })])
    assert.deepEqual(channel.graph.calls.map((call) => call.path).sort(), people)
    assert.deepEqual(
      new Set((await channel.rows()).map((row) => row.userName)),
      new Set(people.map((id) => `Person ${id}`)),
    )
    assert.deepEqual(await verifyStore(store, { orgId: channel.orgId }), [])
  })

  test('what is to be read of a person is handed out, and goes with the person and with the organization', async () => {
    const { store } = get()
    const channel = await connectGraph(get(), answerAnn)
    const { orgId } = channel
    await channel.report([{ platformUserId: ANN.id, cuid: 'ann' }, { cuid: 'ben' }, { cuid: 'cid' }])
    const exported = await exportUser(store, { orgId, cuid: 'ann' })
    const [conversation] = exported?.conversations ?? []
    assert.equal(conversation?.profileReadTimestamp, null)
    assert.ok(Math.abs(Number(conversation?.profileReadDueTimestamp) - Date.now()) < MINUTE_MS)
    await store.write('eraseUser', { orgId, cuid: 'ann', erasedTimestamp: Date.now() })
    assert.equal((await channel.reads()).length, 2)
    while (await store.write('removeOrganizationRows', { orgId }));
    assert.deepEqual(await channel.reads(), [])
  })

  test('texts of the platform that tell the token are not stored', async () => {
    const channel = await connectGraph(get(), () => ({
      body: { ...ANN, name: `Ann ${TOKEN}`, profile_pic: `https://cdn.example/ann.jpg?access_token=${TOKEN}` },
    }))
    await channel.report([{ platformUserId: ANN.id, cuid: 'ann' }])
    await channel.read()
    const [row] = await channel.rows()
    assert.deepEqual([row?.userName, row?.firstName, row?.profilePic], ['Ann Lee', 'Ann', null])
    assert.doesNotMatch(await dumpStore(get().env), new RegExp(TOKEN))
  })

  test('an access token is nowhere in the store as it was given', async () => {
    const { env } = get()
    await connectGraph(get(), answerAnn)
    assert.doesNotMatch(await dumpStore(env), new RegExp(TOKEN))
  })
})
