import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { dynamo, dynamoPrints, getSigned, serveDynamo } from './cli.ts'
import { eachStore } from './stores.ts'

eachStore((get) => {
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
    assert.match(made.stderr, /1 users evaluated true, 0 false, 1 failed, for example: the property "level" is missing/)
    const workspace = made.stdout.trimEnd()
    await dynamoPrints(env, ['channel', 'connect', '--workspace', workspace, '--channel', channel])
    const set = await dynamoPrints(env, ['workspace', 'set', '--workspace', workspace, '--vip-indicator', 'ltv >= 100'])
    assert.equal(set, '1 users evaluated true, 1 false, 0 failed')
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
    assert.equal(await server.stop(), 0)

    await dynamoPrints(env, ['key', 'revoke', key.apiKey])
    const listed = JSON.parse(await dynamoPrints(env, ['key', 'list', '--organization', organization, '--json']))
    assert.equal(listed.keys.length, 1)
    assert.equal(listed.keys[0].apiKey, key.apiKey)
    assert.equal(typeof listed.keys[0].revokedTimestamp, 'number')
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
})

test('wrong usage of the command line ends it with exit code 2', async () => {
  const cases = [
    ['nothing'],
    ['organization', 'create'],
    ['organization', 'create', '--name', ''],
    ['workspace', 'create', '--organization', 'x', '--name', 'n', '--type', 'GOLD'],
    ['workspace', 'create', '--organization', 'x', '--name', 'n', '--type', 'STANDARD', '--vip-indicator', 'a'],
    ['key', 'create', '--organization', 'x', '--scope', 'write'],
  ]
  for (const args of cases) {
    const { code, stdout, stderr } = await dynamo({}, args)
    assert.deepEqual([code, stdout], [2, ''], args.join(' '))
    assert.match(stderr, /^[^\n]+\n$/, args.join(' '))
  }
})

test('every command of the command line has help', async () => {
  for (const args of [[], ['serve'], ['import', 'users'], ['sample']]) {
    const { code, stdout } = await dynamo({}, [...args, '--help'])
    assert.equal(code, 0)
    assert.match(stdout, /^Usage: dynamo/)
  }
})

test('what keeps the service from starting is told in one line', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const folder = await mkdtemp(join(tmpdir(), 'dynamo-test-'))
  t.after(async () => {
    taken.close()
    await rm(folder, { recursive: true })
  })
  const address = taken.address()
  const port = typeof address === 'object' && address ? String(address.port) : ''
  const cases: [Record<string, string>, RegExp][] = [
    [{ PORT: port }, /^Port \d+ is taken: [^\n]+\n$/],
    [{ PORT: 'http' }, /^PORT must be a port, 0 to 65535\n$/],
    [{ PORT: '0', DYNAMO_DATA_DIR: '/proc/nowhere' }, /^Cannot open the store in \/proc\/nowhere [^\n]+\n$/],
    [{ PORT: '0', DATABASE_URL: 'postgres://127.0.0.1:1/none' }, /^PostgreSQL does not answer[^\n]+\n$/],
  ]
  for (const [settings, sentence] of cases) {
    const { code, stderr } = await dynamo({ DYNAMO_DATA_DIR: folder, ...settings }, ['serve'])
    assert.equal(code, 1)
    assert.match(stderr, sentence)
  }
})

eachStore((get) => {
  test('the sample is loaded once by servers that start together, comes back after a kill, and can be removed', async () => {
    const { env, store } = get()
    await store.write('startSample', { name: 'half loaded, then killed' })
    const servers = await Promise.all([serveDynamo(env, ['--with-sample']), serveDynamo(env, ['--with-sample'])])
    const organizations = await store.db.selectFrom('organizations as o').select('o.name').execute()
    assert.deepEqual(
      organizations.map((row) => row.name),
      ['Golden Otter Casino (sample)'],
    )
    const path = `${env.DYNAMO_DATA_DIR}/sample.json`
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    const { default: sample } = await import(path, { with: { type: 'json' } })
    assert.deepEqual(Object.keys(sample), ['baseUrl', 'apiKey', 'secret', 'organizationId', 'workspaceId', 'mediumIds'])
    assert.ok(servers.some((server) => server.url === sample.baseUrl))
    for (const mediumId of Object.values(sample.mediumIds)) {
      const list = `${sample.baseUrl}/vip-users?workspaceId=${sample.workspaceId}&mediumId=${mediumId}&limit=1`
      const page = await getSigned<{ total: number; items: { profilePic: string }[] }>(list, sample)
      assert.ok(page.total > 300)
      assert.ok((await fetch(page.items[0]?.profilePic ?? '')).ok)
    }
    for (const server of servers) assert.equal(await server.stop(), 0)
    await dynamoPrints(env, ['verify'])
    await dynamoPrints(env, ['sample', 'remove'])
    for (const table of ['organizations', 'users', 'vip_users', 'api_keys', 'purchases'] as const) {
      const left = await store.db.selectFrom(table).select('org_id').limit(1).execute()
      assert.deepEqual(left, [], table)
    }
  })
})
