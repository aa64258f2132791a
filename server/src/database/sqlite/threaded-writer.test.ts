import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Writes } from '../../writes.ts'
import { boundWriter } from '../bound-writer.ts'
import { openStore } from '../open-store.ts'
import { createThreadedWriter } from './threaded-writer.ts'

test('after a writer has ended by itself the next write has a new one, and what the old one leaves behind does not touch it', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'dynamo-test-'))
  t.after(() => rm(folder, { recursive: true }))
  const dataDir = join(folder, 'not there yet')
  const options = { rangeRows: 1000, erasureKey: new Uint8Array() }
  const writer = boundWriter(createThreadedWriter<Writes>(join(dataDir, 'dynamo.sqlite'), options), 1)
  const create = () => writer.write('createOrganization', { name: 'Acme' })
  // the second begins as soon as the first has failed, while the first's thread is still ending
  await Promise.all([create(), create()].map((write) => assert.rejects(write, /unable to open database file/)))
  const store = await openStore({ databaseUrl: null, dataDir, masterKey: null })
  await create()
  assert.equal((await store.db.selectFrom('organizations').selectAll().execute()).length, 1)
  await writer.close()
  await store.close()
})
