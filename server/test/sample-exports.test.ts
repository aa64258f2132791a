import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import S3rver from '@20minutes/s3rver'
import { removeSample } from '../sample/load-sample.ts'
import { CommandError } from '../src/commands/command-error.ts'
import { loadConfig } from '../src/config.ts'
import { createExportStorage } from '../src/exports/storage.ts'
import { readSampleMark } from '../src/organizations/sample-mark.ts'
import { eachStore } from './stores.ts'

async function openBucket(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'dynamo-test-'))
  const s3 = new S3rver({ port: 0, silent: true, directory, configureBuckets: [{ name: 'exports', configs: [] }] })
  const { port } = await s3.run()
  t.after(async () => {
    await s3.close()
    await rm(directory, { recursive: true })
  })
  const keys = { S3_ACCESS_KEY_ID: 'S3RVER', S3_SECRET_ACCESS_KEY: 'S3RVER' }
  return { EXPORT_STORAGE: 's3', S3_BUCKET: 'exports', S3_ENDPOINT: `http://127.0.0.1:${port}`, ...keys }
}

eachStore((get) => {
  test('with the sample its exported files leave the bucket, and without them it stays', async (t) => {
    const { store, env } = get()
    const storage = createExportStorage(loadConfig({ ...env, ...(await openBucket(t)) }))
    const started = await store.write('startSample', { name: 'sample' })
    const { orgId } = started
    await store.write('markSample', { mark: { ...started, state: 'loaded' } })
    const exportList = async () => {
      const fileName = await store.write('beginExport', { orgId, extension: 'csv', bucket: storage.bucket })
      await writeFile(storage.partPath(fileName), 'conversationId\r\n')
      await storage.keep(fileName, 'text/csv')
      await store.write('finishExport', { orgId, fileName })
      return (await storage.presign?.(fileName, 60)) ?? ''
    }
    const statusOf = async (url: string) => (await fetch(url)).status
    const before = await exportList()
    assert.equal(await statusOf(before), 200)

    const remove = () => Promise.reject(new Error('nobody answers'))
    await assert.rejects(removeSample(store, { ...storage, remove }), (error) => {
      assert(error instanceof CommandError)
      assert.match(error.message, /^The exported files of the sample could not be deleted \(nobody answers\): /)
      return true
    })
    assert.equal((await readSampleMark(store.db))?.state, 'loaded')

    let meanwhile = ''
    assert.equal(
      await removeSample(store, storage, async () => {
        meanwhile = await exportList()
      }),
      true,
    )
    assert.deepEqual([await statusOf(before), await statusOf(meanwhile)], [404, 404])
    assert.deepEqual(await store.db.selectFrom('exports as e').select('e.file_name').execute(), [])
    assert.deepEqual(await store.db.selectFrom('organizations as o').select('o.org_id').execute(), [])
  })
})
