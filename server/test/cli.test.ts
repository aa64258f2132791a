import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { lstat, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { openTestStore } from './app.ts'
import { DYNAMO, dynamo, dynamoPrints } from './cli.ts'
import { recordVips } from './lists.ts'
import { makeOrganization } from './organization.ts'
import { onStore } from './stores.ts'

test('wrong usage of the command line ends it with exit code 2', async () => {
  const cases = [
    ['nothing'],
    ['organization', 'create'],
    ['organization', 'create', '--name', ''],
    ['workspace', 'create', '--organization', 'x', '--name', 'n', '--type', 'GOLD'],
    ['workspace', 'create', '--organization', 'x', '--name', 'n', '--type', 'STANDARD', '--vip-indicator', 'a'],
    ['key', 'create', '--organization', 'x', '--scope', 'write'],
    ['user', 'set', '--organization', 'x', 'player-1'],
    ['user', 'set', '--organization', 'x', 'player-1', '--birthday', '1990-02-30'],
    ['user', 'set', '--organization', 'x', 'player-1', '--birthday', 'tomorrow'],
    ['user', 'set', '--organization', 'x', 'player-1', '--first-name', ' '],
    ['user', 'set', '--organization', 'x', 'player-1', '--clear', 'ltv'],
    ['user', 'set', '--organization', 'x', 'player-1', '--birthday', '1990-02-03', '--clear', 'birthday'],
  ]
  for (const args of cases) {
    const { code, stdout, stderr } = await dynamo({}, args)
    assert.deepEqual([code, stdout], [2, ''], args.join(' '))
    assert.match(stderr, /^[^\n]+\n$/, args.join(' '))
  }
  const unset = await dynamo({}, ['channel', 'connect', '--workspace', 'x', '--channel', ''])
  assert.deepEqual(
    [unset.code, unset.stderr.includes("'--channel <id>' argument '' is invalid. It is empty.")],
    [2, true],
  )
})

test('a request over https to a server of http is told so', async (t) => {
  const server = createHttpServer((_request, response) => response.end()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const address = server.address()
  const url = `https://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  const asked = await dynamo({ DYNAMO_KEY: 'k', DYNAMO_SECRET: 's', DYNAMO_URL: url }, [
    'request',
    'GET',
    '/workspaces',
  ])
  assert.deepEqual(asked, { code: 1, stdout: '', stderr: `${url} answers http, not https\n` })
})

test('every command of the command line has help', async () => {
  for (const args of [[], ['serve'], ['import', 'users'], ['sample']]) {
    const { code, stdout } = await dynamo({}, [...args, '--help'])
    assert.equal(code, 0)
    assert.match(stdout, /^Usage: dynamo/)
  }
})

test('the help of an import tells of property types only where there are properties', async () => {
  const helps = new Map<string, string>()
  for (const kind of ['conversations', 'users', 'purchases'])
    helps.set(kind, (await dynamo({}, ['import', kind, '--help'])).stdout)
  for (const [kind, help] of helps) {
    assert.match(help, /An empty cell says nothing\.\n(?:.*\n)?Rows that are refused are told/, kind)
    assert.equal(/where it is a property/.test(help), kind === 'users', kind)
  }
})

test('the sample is described by its command as by the page of the command line', async () => {
  const { stdout } = await dynamo({}, ['sample', 'load', '--help'])
  assert.match(stdout, /the day before which its two years end \(default: today\)/)
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

onStore('PostgreSQL', (get) => {
  test('a data folder that cannot be written is told before a sample is loaded into PostgreSQL', async () => {
    const { env, store } = get()
    const settings = { ...env, PORT: '0', DYNAMO_DATA_DIR: '/proc/nowhere', DYNAMO_MASTER_KEY: 'ab'.repeat(32) }
    for (const args of [
      ['serve', '--with-sample'],
      ['sample', 'load'],
    ]) {
      const { code, stderr } = await dynamo(settings, args)
      assert.equal(code, 1)
      assert.match(
        stderr,
        /^Cannot write \/proc\/nowhere\/sample\.json \([^\n]+\): make the folder writable or set DYNAMO_DATA_DIR to another\n$/,
      )
    }
    assert.deepEqual(await store.db.selectFrom('organizations as o').select('o.org_id').execute(), [])
  })
})

test('a command that needs a store makes none where there is none', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'dynamo-test-'))
  t.after(() => rm(folder, { recursive: true }))
  for (const args of [['verify'], ['backup', join(folder, 'backup.sqlite')], ['organization', 'list']]) {
    const { code, stderr } = await dynamo({ DYNAMO_DATA_DIR: folder }, args)
    assert.equal(code, 1)
    assert.equal(stderr, `There is no store in ${folder}: set DYNAMO_DATA_DIR or DATABASE_URL as the server has it\n`)
  }
  assert.deepEqual(await readdir(folder), [])
})

test("a request with a key of one's own goes to --url, DYNAMO_URL, the sample's address, or the settings', in this order", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'dynamo-test-'))
  t.after(() => rm(folder, { recursive: true }))
  const own = { DYNAMO_DATA_DIR: folder, DYNAMO_KEY: 'k', DYNAMO_SECRET: 's', PORT: '1' }
  // no client asks on these ports, so that its sentence tells where it would have
  const goesTo = async (port: number, settings: Record<string, string> = {}, ...args: string[]) => {
    const { code, stderr } = await dynamo({ ...own, ...settings }, ['request', 'GET', '/organizations', ...args])
    assert.equal(code, 1)
    assert.ok(stderr.startsWith(`http://127.0.0.1:${port} does not answer`), stderr)
  }
  await goesTo(1)
  await writeFile(join(folder, 'sample.json'), '{"baseUrl":"http://127.0.0.1:7","apiKey":"a","secret":"b"}')
  await goesTo(7)
  await goesTo(9, { DYNAMO_URL: 'http://127.0.0.1:9' })
  await goesTo(11, { DYNAMO_URL: 'http://127.0.0.1:9' }, '--url', 'http://127.0.0.1:11')
})

test('a list goes into a pipe or through a link, and a folder or a full device is told', async (t) => {
  const { store, env, remove } = await openTestStore()
  t.after(remove)
  const { workspaceId, channels } = await makeOrganization(store)
  const folder = env.DYNAMO_DATA_DIR ?? ''
  const [pipe, target, link] = ['pipe', 'target.csv', 'link.csv'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  const list = ['--workspace', workspaceId, '--channel', channels[0]?.mediumId ?? '']
  const exported = (file: string) => dynamo(env, ['export', 'vip-users', ...list, file])
  execFileSync('mkfifo', [pipe])
  const [read, piped] = await Promise.all([readFile(pipe, 'utf8'), exported(pipe)])
  assert.deepEqual([read.split(',')[0], piped.code, (await stat(pipe)).isFIFO()], ['conversationId', 0, true])
  await writeFile(target, 'older')
  await symlink(target, link)
  assert.equal((await exported(link)).code, 0)
  assert.deepEqual([await readFile(target, 'utf8'), (await lstat(link)).isSymbolicLink()], [read, true])
  const refused = await exported(folder)
  assert.deepEqual([refused.code, refused.stderr], [1, `Cannot write ${folder}: it is a folder\n`])
  assert.equal(
    (await exported('/nowhere/list.csv')).stderr,
    'Cannot write /nowhere/list.csv: there is no folder /nowhere\n',
  )
  if (existsSync('/dev/full')) {
    const full = await exported('/dev/full')
    assert.equal(full.code, 1)
    assert.match(full.stderr, /^Cannot write \/dev\/full: ENOSPC/m)
  }
})

test('a program that reads a list late gets each row once', async (t) => {
  const { store, env, remove } = await openTestStore()
  t.after(remove)
  const { orgId, workspaceId, channels } = await makeOrganization(store, { vipIndicator: 'ltv >= 0' })
  const mediumId = channels[0]?.mediumId ?? ''
  await recordVips(store, { orgId, mediumId, count: 3_000 })
  const file = join(env.DYNAMO_DATA_DIR ?? '', 'list.ndjson')
  const list = ['export', 'vip-users', '--workspace', workspaceId, '--channel', mediumId, '--format', 'ndjson']
  await dynamoPrints(env, [...list, file])
  const late = '"$@" - | { sleep 1; cat; }'
  const { stdout } = await promisify(execFile)('bash', ['-c', late, 'bash', process.execPath, DYNAMO, ...list], {
    env: { ...process.env, ...env },
    maxBuffer: 2 ** 24,
  })
  assert.equal(stdout, await readFile(file, 'utf8'))
})

test('what a command tells moves no cursor', async (t) => {
  const { env, remove } = await openTestStore()
  t.after(remove)
  for (const args of [
    ['verify', '--organization', 'x\u001b[2J'],
    ['x\u001b[2J'],
    ['workspace', 'show', '--workspace', 'x\u001b[2J'],
  ]) {
    const { code, stderr } = await dynamo(env, args)
    assert.ok(code !== 0 && stderr.includes('\\u001b[2J') && !stderr.includes('\u001b'), JSON.stringify(stderr))
  }
})
