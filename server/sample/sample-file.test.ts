import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { writeSampleFile } from './sample-file.ts'

test("what keeps the sample's file from being written is told with what to do", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'dynamo-test-'))
  t.after(() => rm(folder, { recursive: true }))
  await mkdir(join(folder, 'sample.json'))
  const sample = { baseUrl: '', apiKey: '', secret: '', organizationId: '', workspaceId: '', mediumIds: {} }
  for (const dataDir of ['/proc/nowhere', folder]) {
    await assert.rejects(writeSampleFile(dataDir, sample), {
      exitCode: 1,
      message: /^Cannot write .*\/sample\.json \(E.*\): make the folder writable or set DYNAMO_DATA_DIR to another$/,
    })
  }
})
