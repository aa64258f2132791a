import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { type TestApp, testApp } from './app.ts'
import { makeOrganization, type TestOrganization } from './organization.ts'
import type { Credentials } from './signed.ts'
import { eachStore } from './stores.ts'

eachStore((get) => {
  let t: TestApp
  let org: TestOrganization
  let key: Credentials

  before(async () => {
    const { store } = get()
    t = testApp(store)
    org = await makeOrganization(store, { channels: 2 })
    key = await t.key(org.orgId)
  })

  async function ask(url: string): Promise<unknown[]> {
    const answer = await t.get(key, url)
    return [answer.statusCode, answer.json()]
  }

  test('a key reaches one organization, its own, as ADMIN', async () => {
    const own = [200, [{ id: org.organizationId, name: 'Acme', role: 'ADMIN' }]]
    for (const url of ['/organizations', '/organizations/', '/externalApi/v1/organizations']) {
      assert.deepEqual(await ask(url), own, url)
    }
  })

  test('organizations are found by a part of the name, whatever its case', async () => {
    for (const [q, found] of [
      ['acme', 1],
      ['CM', 1],
      ['', 1],
      ['acme2', 0],
      ['%25', 0],
    ]) {
      const [, body] = await ask(`/organizations?q=${q}`)
      assert.equal((body as unknown[]).length, found, String(q))
    }
  })

  test('what organizations and workspaces cannot use of a query they ignore', async () => {
    for (const query of ['limit=0', 'limit=x', 'limit=501', 'orgId=1', 'q=%zz', 'q=a&q=b', '%zz=%zz', '__proto__=x']) {
      assert.equal((await ask(`/organizations?${query}`))[0], 200, query)
      assert.equal((await ask(`/workspaces?${query}`))[0], 200, query)
    }
  })

  test('workspaces come by name, then id, compared as bytes, with their indicator', async () => {
    const { store } = get()
    const { orgId } = await makeOrganization(store, { vipIndicator: 'isVip' })
    const own = await t.key(orgId)
    for (const name of ['all', 'Élite', 'Zoo', 'Zoo']) {
      await store.write('createWorkspace', { orgId, name, type: 'STANDARD', vipIndicator: null })
    }
    const workspaces: { id: string; name: string }[] = (await t.get(own, '/workspaces')).json()
    assert.deepEqual(
      workspaces.map(({ name }) => name),
      ['VIPs', 'Zoo', 'Zoo', 'all', 'Élite'],
    )
    assert.ok((workspaces[1]?.id ?? '') < (workspaces[2]?.id ?? ''))
    const { id, ...first } = workspaces[0] ?? { id: '' }
    assert.deepEqual(first, { name: 'VIPs', type: 'VIP', vipIndicator: 'isVip', vipIndicatorInProcess: false })
    assert.deepEqual(workspaces[3], { ...workspaces[3], type: 'STANDARD', vipIndicator: null })
  })

  test('a workspace shows its new indicator as in process until everybody is marked', async () => {
    const { store } = get()
    const { orgId, workspaceKey } = await makeOrganization(store, { vipIndicator: 'old' })
    const own = await t.key(orgId)
    await store.write('setVipIndicator', { orgId, workspaceKey, vipIndicator: 'new' })
    const [workspace] = (await t.get(own, '/workspaces')).json()
    assert.equal(workspace.vipIndicator, 'new')
    assert.equal(workspace.vipIndicatorInProcess, true)
  })

  test('channels come by name, all of them or those of a workspace', async () => {
    const [page, account] = org.channels.map(({ mediumId }) => mediumId)
    const all = [
      { id: page, type: 'FB_PAGE', name: 'Channel 1' },
      { id: account, type: 'INSTAGRAM_ACCOUNT', name: 'Channel 2' },
    ]
    assert.deepEqual(await ask('/channels'), [200, all])
    assert.deepEqual(await ask(`/channels?workspaceId=${org.workspaceId}`), [200, all])
    const empty = await get().store.write('createWorkspace', {
      orgId: org.orgId,
      name: 'Empty',
      type: 'STANDARD',
      vipIndicator: null,
    })
    assert.deepEqual(await ask(`/channels?workspaceId=${empty.workspaceId}`), [200, []])
  })

  test("channels of an unknown workspace and of another organization's are the same 404", async () => {
    const other = await makeOrganization(get().store)
    const unknown = [404, { message: 'Unknown workspace' }]
    assert.deepEqual(await ask('/channels?workspaceId=nowhere'), unknown)
    assert.deepEqual(await ask(`/channels?workspaceId=${other.workspaceId}`), unknown)
  })

  test('channels refuse what they do not know', async () => {
    for (const [query, type] of [
      ['workspaceid=x', 'object.unknown'],
      ['workspaceId=', 'string.empty'],
      ['workspaceId=a&workspaceId=b', 'string.base'],
      ['workspaceId=%ff', 'string.encoding'],
    ]) {
      const [status, body] = await ask(`/channels?${query}`)
      assert.equal(status, 422)
      assert.deepEqual(
        (body as { error: { type: string }[] }).error.map((fault) => fault.type),
        [type],
      )
    }
  })
})
