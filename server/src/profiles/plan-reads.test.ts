import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectGraph, DAY_MS, TOKEN } from '../../test/profiles.ts'
import { eachStore } from '../../test/stores.ts'
import { forgetPlannedReads, planUnreadProfiles } from './plan-reads.ts'

eachStore((get) => {
  test('who was there before the channel had a token is asked for with it, after all others', async () => {
    const { store } = get()
    const channel = await connectGraph(get(), ({ path }) => ({ body: { id: path, name: `Person ${path}` } }))
    const { orgId, channelKey } = channel
    await channel.report([{ platformUserId: '1' }])
    await channel.read()
    await channel.setToken(null)
    await channel.report(Array.from({ length: 1_100 }, (_, n) => ({ platformUserId: `${500_000 + n}` })))
    await channel.report([{ platformUserId: '600000', mediumId: channel.channels[1]?.mediumId ?? '' }])
    await channel.setToken(TOKEN)
    await channel.report([{ platformUserId: '700000' }])
    for (const _ of ['once', 'again']) {
      await planUnreadProfiles(store, { orgId, channelKey })
      const dueTimestamps = (await channel.reads()).map((read) => read.due_timestamp)
      assert.equal(dueTimestamps.filter((due) => due === 0).length, 1_100)
      assert.equal(dueTimestamps.filter((due) => due > Date.now() - DAY_MS).length, 1)
    }
  })

  test('who was to be asked for is forgotten with the channel’s token, and with no other', async () => {
    const { store } = get()
    const channel = await connectGraph(get(), () => undefined)
    const { orgId, channelKey } = channel
    const [, other] = channel.channels
    assert.ok(other)
    await channel.setToken(TOKEN, other)
    await channel.report(Array.from({ length: 1_100 }, () => ({})))
    await channel.report([{ mediumId: other.mediumId }])
    await forgetPlannedReads(store, { orgId, channelKey })
    assert.equal((await channel.reads()).length, 1_101)
    await channel.setToken(null)
    await forgetPlannedReads(store, { orgId, channelKey })
    // a command that still planned for the old token
    await planUnreadProfiles(store, { orgId, channelKey })
    assert.equal((await channel.reads()).length, 1)
  })
})
