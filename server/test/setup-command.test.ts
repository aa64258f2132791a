import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { dynamo, dynamoPrints, getSigned, postSigned, serveDynamo } from './cli.ts'
import { eachStore } from './stores.ts'

const RULE = ['--vip-indicator', 'ltv >= 10']
const PAGE = ['--type', 'FB_PAGE', '--platform-id', '4711']

eachStore((get) => {
  test('what setup prints is all that reports, imports and the list need; a second time nothing is made', async () => {
    const { env } = get()
    const place = join(env.DYNAMO_DATA_DIR ?? '', 'own.json')
    const setup = await dynamo(env, ['setup', '--name', 'Lynx', ...PAGE, ...RULE, place])
    assert.deepEqual(setup, { code: 0, stdout: '', stderr: '' })
    assert.equal((await stat(place)).mode & 0o777, 0o600)
    const text = await readFile(place, 'utf8')
    const own = JSON.parse(text)
    assert.deepEqual(Object.keys(own), ['organizationId', 'workspaceId', 'mediumId', 'apiKey', 'secret'])
    assert.equal(own.mediumId, 'FB_PAGE_4711')

    for (const [args, code, sentence] of [
      [
        ['--name', 'Again', ...PAGE, ...RULE],
        1,
        /^The channel belongs to an organization already: [\da-f]{24} \(Lynx\); its channels: npx dynamo channel list --organization [\da-f]{24}\n$/,
      ],
      [['--name', 'Again', ...PAGE, ...RULE, `${place}-2`], 1, /^The channel belongs/],
      [['--name', 'File', '--type', 'FB_PAGE', '--platform-id', '1', ...RULE, place], 1, /is there already/],
      [
        ['--name', 'File', '--type', 'FB_PAGE', '--platform-id', '1', ...RULE, '/nowhere/own.json'],
        1,
        /^Cannot write \/nowhere\/own\.json: there is no folder \/nowhere\n$/,
      ],
      [['--name', 'Medium', '--type', 'FB_PAGE', '--platform-id', 'FB_PAGE_1', ...RULE], 2, /without FB_PAGE_/],
      [['--name', 'Rule', '--type', 'FB_PAGE', '--platform-id', '1', '--vip-indicator', 'ltv >='], 1, /is refused/],
      [['--name', 'Page', '--type', 'FB_PAGE', '--platform-id', 'a b', ...RULE], 2, /^--platform-id is a number/],
      [['--name', 'Page', '--type', 'FB_PAGE', '--platform-id', 'goldenreel', ...RULE], 2, /not a name: the page's id/],
      [['--name', '', ...PAGE, ...RULE], 2, /--name/],
    ] as const) {
      const refused = await dynamo(env, ['setup', ...args])
      assert.equal(refused.code, code)
      assert.match(refused.stderr, sentence)
    }
    assert.deepEqual([await readFile(place, 'utf8'), existsSync(`${place}-2`)], [text, false])
    const { organizations } = JSON.parse(await dynamoPrints(env, ['organization', 'list', '--json']))
    assert.deepEqual(
      organizations.map(({ name }: { name: string }) => name),
      ['Lynx'],
    )

    const shouted = ['--vip-indicator', 'LTV >= 10 && tier == "gold"']
    const warned = await dynamo(env, ['setup', '--name', 'Loud', '--type', 'FB_PAGE', '--platform-id', '2', ...shouted])
    assert.deepEqual([warned.code, warned.stderr], [0, 'Warning: LTV is a property of yours; did you mean ltv?\n'])

    const server = await serveDynamo(env, ['--json'])
    try {
      const row = `{"mediumId":"${own.mediumId}","platformUserId":"7001","userName":"Ada","cuid":"ada"}\n`
      const to = ['--organization', own.organizationId]
      await dynamoPrints(env, ['import', 'conversations', ...to, '-'], row)
      const purchase = { userId: 'ada', revenue: 12.5 }
      assert.equal((await postSigned(`${server.url}/v1.0/user/purchase`, own, purchase)).status, 200)
      const list = `/vip-users?workspaceId=${own.workspaceId}&mediumId=${own.mediumId}`
      const { items } = await getSigned<{ items: { userName: string }[] }>(server.url + list, own)
      assert.deepEqual(
        items.map(({ userName }) => userName),
        ['Ada'],
      )

      const as = { ...env, DYNAMO_KEY: own.apiKey, DYNAMO_SECRET: own.secret, DYNAMO_URL: server.url }
      assert.deepEqual(JSON.parse(await dynamoPrints(as, ['request', 'GET', list, '--json'])).body.items, items)
      const missing = await dynamo(as, ['request', 'GET', '/nowhere', '--json'])
      assert.deepEqual([missing.code, JSON.parse(missing.stdout).status], [1, 404])
      const post = ['request', 'POST', '/v1.0/user/purchase', '--json', '--data', JSON.stringify(purchase)]
      assert.deepEqual(JSON.parse(await dynamoPrints(as, post)), { status: 200, body: null })

      const [file, lists] = [join(env.DYNAMO_DATA_DIR ?? '', 'list.csv'), ['export', 'vip-users']]
      lists.push('--workspace', own.workspaceId, '--channel', own.mediumId, '--json')
      assert.deepEqual(JSON.parse(await dynamoPrints(env, [...lists, file])), { file, rows: 1 })
      assert.ok(existsSync(file))
      assert.equal((await dynamo(env, lists)).code, 2)
    } finally {
      await server.stop()
    }
  })
})
