import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createCheckpoints } from './checkpoints.ts'
import { openConnection } from './connection.ts'

const MEGABYTE = 'x'.repeat(1_000_000)
/** Commits of a megabyte, some 250 pages, that a writer which never rests may make until the WAL begins anew. */
const MAX_COMMITS = 300

/** @param threadPath where the thread looks for the store */
async function openStore(t: TestContext, threadPath?: string) {
  const folder = await mkdtemp(join(tmpdir(), 'dynamo-test-'))
  const path = join(folder, 'store.sqlite')
  const { database } = openConnection(path)
  const checkpoints = createCheckpoints(database, threadPath ?? path)
  const reader = new DatabaseSync(path)
  database.exec('create table facts (fact text)')
  const insert = database.prepare('insert into facts values (?)')
  const look = database.prepare('pragma wal_checkpoint(noop)')
  t.after(async () => {
    await checkpoints.close()
    reader.close()
    database.close()
    await rm(folder, { recursive: true })
  })
  return {
    reader,
    async commit() {
      insert.run(MEGABYTE)
      const { log, checkpointed } = look.get() as { log: number; checkpointed: number }
      await nextTurn()
      checkpoints.move()
      return { log, checkpointed }
    },
  }
}

type Opened = Awaited<ReturnType<typeof openStore>>

/** @returns how many commits it took, and the length of the WAL before it began anew */
async function commitUntilAnew({ commit }: Opened): Promise<{ commits: number; pages: number }> {
  let pages = 0
  for (let commits = 1; commits <= MAX_COMMITS; commits++) {
    const { log } = await commit()
    if (log < pages) return { commits, pages }
    pages = log
  }
  throw new Error(`After ${MAX_COMMITS} commits the WAL has ${pages} pages`)
}

test('the WAL of a writer that never rests is begun anew once it is long, and nothing in it is lost', async (t) => {
  const opened = await openStore(t)
  const first = await commitUntilAnew(opened)
  assert.ok(first.pages >= 20_000)
  const second = await commitUntilAnew(opened)
  const { count } = opened.reader.prepare('select count(*) as count from facts').get() as { count: number }
  assert.equal(count, first.commits + second.commits)
})

test('what a long read keeps in the WAL is moved when the read has ended', async (t) => {
  const opened = await openStore(t)
  opened.reader.exec('begin; select 1 from facts')
  for (let commits = 0; commits < 100; commits++) await opened.commit()
  const kept = await opened.commit()
  assert.ok(kept.log > 20_000 && kept.checkpointed < 1_000, JSON.stringify(kept))
  opened.reader.exec('commit')
  const { pages } = await commitUntilAnew(opened)
  assert.ok(pages >= kept.log)
})

test('where no thread can be had the writer moves the WAL by itself', async (t) => {
  const opened = await openStore(t, '/no/such/folder/store.sqlite')
  const { pages } = await commitUntilAnew(opened)
  // each time that so much is left
  assert.ok(pages < 20_000, `${pages} pages`)
})
