import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { describeWorkspace } from '../src/vip-users/describe-workspace.ts'
import { verifyStore } from '../src/vip-users/verify.ts'
import { serveDynamo } from './cli.ts'
import { recordVips, totalOf } from './lists.ts'
import { makeOrganization } from './organization.ts'
import { eachStore } from './stores.ts'

const USERS = 5_000

eachStore((get) => {
  test('a marking in which the server was killed goes on where it was when a server starts again', async () => {
    const { store, env } = get()
    const workspace = await makeOrganization(store, { vipIndicator: 'ltv >= 4990' })
    const { orgId, workspaceKey, workspaceId, channels } = workspace
    const list = { orgId, workspaceId, mediumId: channels[0]?.mediumId ?? '' }
    await recordVips(store, { orgId, mediumId: list.mediumId, count: USERS })
    const describe = () => store.snapshot((db) => describeWorkspace(db, workspace))
    await store.write('setVipIndicator', { orgId, workspaceKey, vipIndicator: 'ltv >= 2500' })

    const killed = await serveDynamo(env)
    let done = 0
    while (done === 0) done = (await describe()).progress?.users ?? USERS
    const ended = once(killed.process, 'exit')
    killed.process.kill('SIGKILL')
    await ended
    const left = await describe()
    assert.equal(left.vipIndicatorInProcess, true)
    assert(left.progress && left.progress.users >= done && left.progress.users < USERS, JSON.stringify(left.progress))
    assert.equal(await totalOf(store, list), 10)
    assert.deepEqual(await verifyStore(store, { orgId }), [])

    const server = await serveDynamo(env)
    let lastUsers = left.progress.users
    for (let now = await describe(); now.progress; now = await describe()) {
      assert(now.progress.users >= lastUsers)
      lastUsers = now.progress.users
      await pause(20)
    }
    await server.stop()
    assert.equal(await totalOf(store, list), 2500)
    assert.deepEqual(await verifyStore(store, { orgId }), [])
  })
})
