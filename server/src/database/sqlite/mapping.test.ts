import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { createMapping, QUIET_READS } from './mapping.ts'

test('the file is mapped while nobody writes', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'dynamo-mapping-'))
  const database = new DatabaseSync(join(folder, 'dynamo.sqlite'))
  t.after(() => {
    database.close()
    rmSync(folder, { recursive: true })
  })
  const mapping = createMapping(database)
  const read = (times: number, isChanged = false) => {
    for (let n = 0; n < times; n++) mapping.noteRead(isChanged)
    return Number(database.prepare('pragma mmap_size').get()?.mmap_size) > 0
  }
  assert.equal(read(1, true), false)
  assert.equal(read(QUIET_READS - 1), false)
  assert.equal(read(1), true)
  assert.equal(read(2), true)
  // also in the transaction of a page
  database.exec('begin')
  assert.equal(read(1, true), false)
  database.exec('commit')
  assert.equal(read(QUIET_READS - 1), false)
  assert.equal(read(1), true)
})
