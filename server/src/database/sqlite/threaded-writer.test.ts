import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { openTestStore } from '../../../test/app.ts'
import type { Writes } from '../../writes.ts'
import { boundWriter } from '../bound-writer.ts'
import { openStore } from '../open-store.ts'
import { createThreadedWriter } from './threaded-writer.ts'
import { createWriterHere } from './writer-here.ts'

test('after a writer has ended by itself the next write has a new one, and what the old one leaves behind does not touch it', (t) =>
  failAndWrite(t, createThreadedWriter<Writes>))

test('a writer on the own thread that could not open the store opens it with the next write', (t) =>
  failAndWrite(t, createWriterHere<Writes>))

test('what SQLite refuses in the thread is told with its code, its number and where it was', async (t) => {
  const { store, env, remove } = await openTestStore()
  t.after(remove)
  using database = new DatabaseSync(join(env.DYNAMO_DATA_DIR ?? '', 'dynamo.sqlite'))
  database.exec(`create trigger refused before insert on organizations begin select raise(abort, 'refused'); end`)
  await assert.rejects(store.write('createOrganization', { name: 'Acme' }), (error: Error) => {
    const { code, errcode } = error as { code?: unknown; errcode?: unknown }
    const SQLITE_CONSTRAINT_TRIGGER = 1811
    assert.deepEqual([error.message, code, errcode], ['refused', 'ERR_SQLITE_ERROR', SQLITE_CONSTRAINT_TRIGGER])
    assert.match(String(error.stack), /^Error: refused\n[\s\S]*writer\.ts/)
    return true
  })
})

async function failAndWrite(t: TestContext, createWriter: typeof createThreadedWriter<Writes>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'dynamo-test-'))
  t.after(() => rm(folder, { recursive: true }))
  const dataDir = join(folder, 'not there yet')
  const options = { rangeRows: 1000, erasureKey: new Uint8Array() }
  const writer = boundWriter(createWriter(join(dataDir, 'dynamo.sqlite'), options), 1)
  const create = () => writer.write('createOrganization', { name: 'Acme' })
  // the second begins as soon as the first has failed, while a thread is still ending
  await Promise.all([create(), create()].map((write) => assert.rejects(write, /unable to open database file/)))
  const store = await openStore({ databaseUrl: null, dataDir, masterKey: null })
  await create()
  assert.equal((await store.db.selectFrom('organizations').selectAll().execute()).length, 1)
  await writer.close()
  await store.close()
}
