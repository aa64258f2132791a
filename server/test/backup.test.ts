import assert from 'node:assert/strict'
import { copyFile, mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { verifyStore } from '../src/vip-users/verify.ts'
import { dynamo, dynamoPrints, serveDynamo } from './cli.ts'
import { inStore, makeReported } from './reported-organization.ts'
import { createReportingClient } from './reporting-client.ts'
import { sign } from './signed.ts'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dynamo-test-'))
})
after(() => rm(folder, { recursive: true }))

test('a store that is backed up while clients report is put back as it was at one moment', async () => {
  const env = { DYNAMO_DATA_DIR: join(folder, 'live') }
  const { orgId, key, workspaceId, channels } = await inStore(env, makeReported)
  const list = `/vip-users?workspaceId=${workspaceId}&mediumId=${channels[0]?.mediumId}`
  const etagOf = async (url: string) => {
    const answer = await fetch(`${url}${list}`, { headers: sign(key, new Date().toISOString()) })
    assert.equal(answer.status, 200)
    return answer.headers.get('etag')
  }
  const server = await serveDynamo(env)
  const clients = ['ann', 'bo', 'cy'].map(createReportingClient)
  const stopping = new AbortController()
  const enough = Promise.withResolvers<void>()
  const sent = Promise.all(
    clients.map((client) =>
      client.send(server.url, key, stopping.signal, () => {
        if (clients.every((one) => one.acknowledged() > 5)) enough.resolve()
      }),
    ),
  )
  await enough.promise
  const before = clients.map((client) => client.acknowledged())
  const file = join(folder, 'backup.sqlite')
  await dynamoPrints(env, ['backup', file])
  const during = clients.map((client) => client.acknowledged())
  assert(
    during.every((count, index) => count > (before[index] ?? 0)),
    `${before} → ${during}`,
  )
  stopping.abort()
  await sent
  const etag = await etagOf(server.url)
  await server.stop()
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  assert.deepEqual((await readdir(folder)).toSorted(), ['backup.sqlite', 'live'])

  const restored = { DYNAMO_DATA_DIR: join(folder, 'restored') }
  await mkdir(restored.DYNAMO_DATA_DIR)
  await copyFile(file, join(restored.DYNAMO_DATA_DIR, 'dynamo.sqlite'))
  await copyFile(join(folder, 'live', 'master.key'), join(restored.DYNAMO_DATA_DIR, 'master.key'))
  await dynamoPrints(restored, ['restored'])
  const again = await serveDynamo(restored)
  assert.notEqual(await etagOf(again.url), etag)
  await again.stop()
  await inStore(restored, async (store) => {
    assert.deepEqual(await verifyStore(store, { orgId }), [])
    for (const [index, client] of clients.entries()) await client.checkSince(store, orgId, before[index] ?? 0)
  })
})

test('a backup overwrites nothing, and leaves nothing where it fails', async () => {
  const env = { DYNAMO_DATA_DIR: join(folder, 'other') }
  await dynamoPrints(env, ['migrate'])
  const file = join(folder, 'taken.sqlite')
  await dynamoPrints(env, ['backup', file])
  assert.match((await dynamo(env, ['backup', file])).stderr, /^There is a file .*taken\.sqlite already: name another$/m)
  const nowhere = join(folder, 'nowhere', 'backup.sqlite')
  assert.match((await dynamo(env, ['backup', nowhere])).stderr, /^Cannot write .*ENOENT/m)
})
