import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { dynamo } from './cli.ts'

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
