import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { loadConfig } from '../src/config.ts'
import { newFileName } from '../src/exports/file-name.ts'
import { createExportStorage } from '../src/exports/storage.ts'
import { startBackground } from './background.ts'
import { serveDynamo } from './cli.ts'
import { exportsOn } from './exports.ts'
import { sign } from './signed.ts'
import { bucketOn, openSilentBucket } from './silent-bucket.ts'
import { eachStore } from './stores.ts'

const LONG_MS = 600_000
const LONG = { connectMs: LONG_MS, silentMs: LONG_MS, removeMs: LONG_MS }

/** Says of the client of buckets when it is loaded. */
const TELL_BUCKET = `import { registerHooks } from 'node:module'
registerHooks({
  load(url, context, next) {
    if (url.endsWith('/exports/bucket.ts')) process.stdout.write('the client of buckets is loaded\\n')
    return next(url, context)
  },
})`

test('a server that keeps exports in a bucket has its client before it listens, another one never', async (t) => {
  const { env } = await openSilentBucket(t)
  for (const [settings, isLoaded] of [
    [env, true],
    [{}, false],
  ] as const) {
    const dataDir = await mkdtemp(join(tmpdir(), 'dynamo-test-'))
    const tell = `--import=data:text/javascript,${encodeURIComponent(TELL_BUCKET)}`
    const server = await serveDynamo({
      DYNAMO_DATA_DIR: dataDir,
      NODE_OPTIONS: tell,
      DYNAMO_SAMPLE: 'off',
      ...settings,
    })
    const isLoadedBefore = server.output().includes('the client of buckets is loaded')
    await server.stop()
    await rm(dataDir, { recursive: true })
    assert.equal(isLoadedBefore, isLoaded)
  }
})

eachStore((get) => {
  const { setUp, exportsOf } = exportsOn(get)

  test('an export to a bucket that never answers is a 500 without a file left on the disk', async (t) => {
    const { env } = await openSilentBucket(t)
    const bucketTimeouts = { ...LONG, silentMs: 200 }
    const { get: ask, credentials, query, dataDir } = await setUp({ env, bucketTimeouts })
    const answer = await ask(credentials, `/vip-users/export?${query}`)
    assert.deepEqual([answer.statusCode, answer.json()], [500, { message: 'The file could not be stored' }])
    assert.deepEqual(await readdir(join(dataDir, 'exports')), [])
  })

  test('who hangs up ends what is sent to a bucket that never answers', async (t) => {
    const { env, asked } = await openSilentBucket(t)
    const { app, clock, credentials, query } = await setUp({ env, bucketTimeouts: { ...LONG, removeMs: 200 } })
    const url = await app.listen({ port: 0 })
    const client = new AbortController()
    const headers = sign(credentials, new Date(clock.ms).toISOString())
    const answer = fetch(`${url}/vip-users/export?${query}`, { headers, signal: client.signal })
    await asked
    client.abort()
    await assert.rejects(answer, { name: 'AbortError' })
    while (!/^dynamo_export_seconds_count\{outcome="refused"\} 1$/m.test((await app.inject('/metrics')).body))
      await pause(5)
    await app.close()
  })

  test('an erasure is answered 503 where a bucket never answers', async (t) => {
    const { env } = await openSilentBucket(t)
    const { store, organization, storage, post, credentials } = await setUp({
      env,
      bucketTimeouts: { ...LONG, removeMs: 200 },
    })
    const { orgId } = organization
    const fileName = await store.write('beginExport', { orgId, extension: 'csv', bucket: storage.bucket })
    await store.write('finishExport', { orgId, fileName })
    const answer = await post(credentials, '/v1.0/user/deleteUserData', { userId: 'u1' })
    assert.deepEqual(
      [answer.statusCode, answer.headers['retry-after'], answer.json()],
      [503, '5', { message: 'Erased, but stored exports could not be deleted: try again' }],
    )
    assert.equal((await exportsOf(orgId)).length, 1)
  })

  test('a server stops while it waits for a bucket that never answers, and has cleared its own disk before', async (t) => {
    const { env, asked } = await openSilentBucket(t)
    const { store, organization, storage, dataDir } = await setUp({ env, bucketTimeouts: LONG })
    const { orgId } = organization
    const fileName = await store.write('beginExport', { orgId, extension: 'csv', bucket: storage.bucket })
    await store.write('finishExport', { orgId, fileName })
    await store.write('eraseUser', { orgId, cuid: 'u1', erasedTimestamp: Date.now() })
    await writeFile(storage.partPath(newFileName('csv')), '')
    const background = startBackground(store, { storage })
    await asked
    assert.deepEqual(await readdir(join(dataDir, 'exports')), [])
    await background.stop()
    // what no other test of this store is to wait for
    await store.write('forgetExport', { orgId, fileName })
  })
})

test('a long upload that goes on is not cut', async (t) => {
  const SLOW_BYTES = 24 * 1024 * 1024
  let bytes = 0
  const server = createServer(async (request, response) => {
    for await (const chunk of request) {
      bytes += chunk.length
      // what comes then is in the system's buffers, and nobody sees that it goes on
      if (bytes < SLOW_BYTES) await pause(5)
    }
    response.end()
  })
  t.after(() => server.close())
  const dataDir = await mkdtemp(join(tmpdir(), 'dynamo-test-'))
  t.after(() => rm(dataDir, { recursive: true }))
  const silentMs = 1_000
  const config = loadConfig({ ...(await bucketOn(server)), DYNAMO_DATA_DIR: dataDir })
  const storage = createExportStorage(config, { ...LONG, silentMs })
  await writeFile(storage.partPath('long.csv'), Buffer.alloc(2 * SLOW_BYTES))
  const startedMs = performance.now()
  await storage.keep('long.csv', 'text/csv')
  assert.ok(performance.now() - startedMs > silentMs)
  assert.equal(bytes, 2 * SLOW_BYTES)
})
