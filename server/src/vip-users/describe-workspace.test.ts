import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordVips } from '../../test/lists.ts'
import { makeOrganization } from '../../test/organization.ts'
import { eachStore } from '../../test/stores.ts'
import { describeWorkspace } from './describe-workspace.ts'
import { makeLists } from './make-lists.ts'

eachStore((get) => {
  test('a workspace tells how far its marking is, and how long its lists are', async () => {
    const { store } = get()
    const workspace = await makeOrganization(store, { vipIndicator: 'ltv >= 10', channels: 2 })
    const { orgId, workspaceKey, workspaceId, channels } = workspace
    await recordVips(store, { orgId, mediumId: channels[0]?.mediumId ?? '', count: 40 })
    const describe = () => store.snapshot((db) => describeWorkspace(db, workspace))
    const totals = [
      { id: channels[0]?.mediumId, name: 'Channel 1', type: 'FB_PAGE', total: 30 },
      { id: channels[1]?.mediumId, name: 'Channel 2', type: 'INSTAGRAM_ACCOUNT', total: 0 },
    ]
    const quiet = { id: workspaceId, name: 'VIPs', type: 'VIP', vipIndicatorInProcess: false, progress: null }
    assert.deepEqual(await describe(), { ...quiet, vipIndicator: 'ltv >= 10', channels: totals })

    await store.write('setVipIndicator', { orgId, workspaceKey, vipIndicator: 'ltv >= 30' })
    await store.write('buildChunk', { orgId, workspaceKey, size: 25 })
    const building = await describe()
    assert.deepEqual(building.progress, { users: 25, usersInAll: 40, servedVipIndicator: 'ltv >= 10' })
    assert.deepEqual([building.vipIndicator, building.vipIndicatorInProcess], ['ltv >= 30', true])
    assert.deepEqual(building.channels, totals)

    await makeLists(store, { orgId, workspaceKey })
    const made = await describe()
    assert.deepEqual([made.vipIndicator, made.progress, made.channels[0]?.total], ['ltv >= 30', null, 10])
  })
})
