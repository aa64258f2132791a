import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadConfig } from '../src/config.ts'
import { serveDynamo } from './cli.ts'
import { makeReported } from './reported-organization.ts'
import { sign } from './signed.ts'
import { openSilentBucket } from './silent-bucket.ts'
import { eachStore } from './stores.ts'

eachStore((get) => {
  test('what a server was exporting when it was killed goes with the next start, where no other server can be at it', async (t) => {
    const { store, env } = get()
    const folder = join(env.DYNAMO_DATA_DIR ?? '', 'exports')
    const { key, workspaceId, channels } = await makeReported(store, loadConfig(env))
    const bucket = await openSilentBucket(t)
    const settings = { ...env, ...bucket.env }
    const exporting = await serveDynamo(settings)
    t.after(() => exporting.process.kill('SIGKILL'))
    const path = `/vip-users/export?workspaceId=${workspaceId}&mediumId=${channels[0]?.mediumId}`
    const answer = fetch(exporting.url + path, { headers: sign(key, new Date().toISOString()) })
    const failed = assert.rejects(answer)
    await bucket.asked
    const [part = ''] = await readdir(folder)
    assert.match(part, /\.csv\.part$/)

    const other = await serveDynamo(settings)
    assert.deepEqual(await readdir(folder), [part])
    await other.stop()

    const ended = once(exporting.process, 'exit')
    exporting.process.kill('SIGKILL')
    await ended
    await failed
    const next = await serveDynamo(settings)
    // on PostgreSQL nobody knows of other servers, with which the folder may be shared
    assert.deepEqual(await readdir(folder), env.DATABASE_URL ? [part] : [])
    await next.stop()
  })
})
