import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { createMapping, QUIET_PAGES } from './mapping.ts'

test('the file is mapped while nobody writes', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'dynamo-mapping-'))
  const database = new DatabaseSync(join(folder, 'dynamo.sqlite'))
  t.after(() => {
    database.close()
    rmSync(folder, { recursive: true })
  })
  const mapping = createMapping(database)
  const isMappedAfter = (pages: number, version: number) => {
    for (let n = 0; n < pages; n++) mapping.noteRead(version)
    return Number(database.prepare('pragma mmap_size').get()?.mmap_size) > 0
  }
  assert.equal(isMappedAfter(QUIET_PAGES, 1), false)
  assert.equal(isMappedAfter(1, 1), true)
  assert.equal(isMappedAfter(2, 1), true)
  assert.equal(isMappedAfter(1, 2), false)
  assert.equal(isMappedAfter(QUIET_PAGES - 1, 2), false)
  assert.equal(isMappedAfter(1, 3), false)
  assert.equal(isMappedAfter(QUIET_PAGES, 3), true)
})
