import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dynamo, dynamoPrints, getSigned, serveDynamo } from './cli.ts'
import type { TestStore } from './stores.ts'

export function setupSuite(get: () => TestStore): void {
  test('an organization is set up by the command line, and its list is there over the signed API', async () => {
    const { env } = get()
    const organization = await dynamoPrints(env, ['organization', 'create', '--name', 'Acme'])
    assert.match(organization, /^[0-9a-f]{24}$/)
    const channel = await dynamoPrints(env, [
      ...['channel', 'create', '--organization', organization, '--type', 'FB_PAGE'],
      ...['--platform-id', '104729018', '--name', 'Page'],
    ])
    assert.equal(channel, 'FB_PAGE_104729018')
    const conversations = `conversationId,mediumId,platformUserId,userName,cuid\nc1,${channel},p1,Ann,u1\nc2,${channel},p2,Bob,u2\n`
    const purchases =
      'cuid,revenue,timestamp,purchaseId\nu1,99.99,2026-05-01,a\nu1,0.01,2026-05-02,b\nu2,99.99,2026-05-01,c\n'
    const imports = [
      await dynamoPrints(env, ['import', 'conversations', '--organization', organization, '-'], conversations),
      await dynamoPrints(env, ['import', 'purchases', '--organization', organization, '-'], purchases),
    ]
    assert.deepEqual(imports, [
      'read 2, imported 2, unchanged 0, rejected 0',
      'read 3, imported 3, unchanged 0, rejected 0',
    ])
    const made = await dynamo(env, [
      ...['workspace', 'create', '--organization', organization, '--name', 'VIPs', '--type', 'VIP'],
      ...['--vip-indicator', 'ltv >= 100 && level > 1 || ltv == 99.99'],
    ])
    assert.equal(made.code, 0)
    assert.match(made.stderr, /1 user evaluated true, 0 false, 1 failed, for example: the property "level" is missing/)
    const workspace = made.stdout.trimEnd()
    await dynamoPrints(env, ['channel', 'connect', '--workspace', workspace, '--channel', channel])
    const misspelt = await dynamo(env, ['workspace', 'set', '--workspace', workspace, '--vip-indicator', 'LTV >= 100'])
    assert.match(misspelt.stderr, /fails on more than half of the users, mostly on "LTV": did you mean ltv\?$/m)
    const explained = await dynamoPrints(env, ['user', 'explain', '--organization', organization, 'u1'])
    assert.match(explained, /^ {2}the rule fails: the property "LTV" is missing$/m)
    assert.doesNotMatch(explained, /^ {2}property "LTV"/m)
    const set = await dynamoPrints(env, ['workspace', 'set', '--workspace', workspace, '--vip-indicator', 'ltv >= 100'])
    assert.equal(set, '1 user evaluated true, 1 false, 0 failed')
    const key = JSON.parse(await dynamoPrints(env, ['key', 'create', '--organization', organization]))
    assert.deepEqual(Object.keys(key), ['apiKey', 'secret'])

    const server = await serveDynamo(env)
    const path = `/vip-users?workspaceId=${workspace}&mediumId=${channel}`
    const page = await getSigned<{ total: number; items: { cuid: string }[] }>(server.url + path, key)
    assert.deepEqual([page.total, page.items.map((item) => item.cuid)], [1, ['u1']])
    const asked = { ...env, DYNAMO_URL: server.url, DYNAMO_KEY: key.apiKey, DYNAMO_SECRET: key.secret }
    assert.equal(JSON.parse(await dynamoPrints(asked, ['request', 'GET', path])).total, 1)
    const missing = await dynamo(asked, ['request', 'GET', '/vip-users?workspaceId=x&mediumId=y'])
    assert.deepEqual([missing.code, missing.stderr], [1, '404 Not Found\n'])
    assert.equal(missing.stdout, '{"message":"Unknown workspace"}\n')
    const purchase = (body: object) =>
      dynamo(asked, ['request', 'POST', '/v1.0/user/purchase', '--data', JSON.stringify(body)])
    assert.deepEqual(await purchase({ userId: 'u2', revenue: 0.01 }), { code: 0, stdout: '', stderr: '' })
    assert.equal(JSON.parse(await dynamoPrints(asked, ['request', 'GET', path])).total, 2)
    const refused = await purchase({ userId: 'u2' })
    assert.deepEqual([refused.code, refused.stderr], [1, '422 Unprocessable Entity\n'])
    assert.match(refused.stdout, /"path":\["revenue"\]/)
    assert.equal(await server.stop(), 0)

    const json = async (args: string[]) => JSON.parse(await dynamoPrints(env, [...args, '--json']))
    const { organizations } = await json(['organization', 'list'])
    assert.partialDeepStrictEqual(organizations, [{ id: organization, name: 'Acme', active: true }])
    assert.deepEqual(await json(['workspace', 'list', '--organization', organization]), {
      workspaces: [{ id: workspace, type: 'VIP', name: 'VIPs', vipIndicator: 'ltv >= 100' }],
    })
    assert.deepEqual(await json(['channel', 'list', '--organization', organization]), {
      channels: [{ id: channel, type: 'FB_PAGE', name: 'Page', workspaceIds: [workspace] }],
    })
    const listed = await dynamoPrints(env, ['channel', 'list', '--organization', organization])
    assert.equal(listed, `${channel}  Page  ${workspace}`)

    await dynamoPrints(env, ['key', 'revoke', key.apiKey])
    const { keys } = await json(['key', 'list', '--organization', organization])
    assert.equal(keys.length, 1)
    assert.equal(keys[0].apiKey, key.apiKey)
    assert.equal(typeof keys[0].revokedTimestamp, 'number')
  })

  test('what the command line does not know ends it with one sentence and exit code 1', async () => {
    const { env } = get()
    const unknown = await dynamo(env, ['key', 'list', '--organization', 'nobody'])
    assert.deepEqual(unknown, { code: 1, stdout: '', stderr: 'There is no organization nobody\n' })
    const organization = await dynamoPrints(env, ['organization', 'create', '--name', 'Rules'])
    const rule = await dynamo(env, [
      ...['workspace', 'create', '--organization', organization, '--name', 'W', '--type', 'VIP'],
      ...['--vip-indicator', 'ltv >='],
    ])
    assert.equal(rule.code, 1)
    assert.match(rule.stderr, /^The VIP indicator is refused: .*\(line 1, column 7\)\n$/)
  })
}
