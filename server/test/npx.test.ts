import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { cleanEnvironment, root } from './documents.ts'

test('npx in a checkout where nothing is installed fetches no package of the name dynamo', async (t) => {
  const asked: string[] = []
  const registry = createServer(({ url = '', headers }, response) => {
    asked.push(url)
    const dist = { tarball: `http://${headers.host}/dynamo.tgz`, shasum: '0'.repeat(40) }
    const version = { name: 'dynamo', version: '1.0.0', bin: { dynamo: 'run.js' }, dist }
    response.end(JSON.stringify({ name: 'dynamo', 'dist-tags': { latest: '1.0.0' }, versions: { '1.0.0': version } }))
  }).listen(0, '127.0.0.1')
  await once(registry, 'listening')
  const checkout = await mkdtemp(join(tmpdir(), 'dynamo-npx-'))
  t.after(async () => {
    registry.close()
    await rm(checkout, { recursive: true })
  })
  await copyFile(join(root, '.npmrc'), join(checkout, '.npmrc'))
  await writeFile(join(checkout, 'package.json'), '{}')
  const address = registry.address()
  const env = cleanEnvironment({
    npm_config_registry: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    npm_config_cache: join(checkout, 'cache'),
    // what this machine says elsewhere, as `yes=false`, must not make up for the checkout
    npm_config_userconfig: join(checkout, 'no-user'),
    npm_config_globalconfig: join(checkout, 'nor-machine'),
  })
  await assert.rejects(promisify(execFile)('npx', ['dynamo', 'verify'], { cwd: checkout, env }), /no YES option/)
  assert.ok(!asked.includes('/dynamo.tgz'), asked.join(' '))
})
