import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { holdServing } from './serving.ts'

test('a server learns whether another one works on the same store, until that one ends', async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'dynamo-test-'))
  t.after(() => rm(dataDir, { recursive: true }))
  const first = holdServing(dataDir)
  const second = holdServing(dataDir)
  assert.deepEqual([first.isShared, second.isShared], [false, true])
  first.release()
  second.release()
  const third = holdServing(dataDir)
  assert.equal(third.isShared, false)
  third.release()
})
