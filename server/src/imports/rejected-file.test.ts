import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createRejects } from './rejected-file.ts'

test('rejected rows are never written through a link that lies in their place', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'dynamo-test-'))
  t.after(() => rm(folder, { recursive: true }))
  const [other, path] = [join(folder, 'other'), join(folder, 'import.rejected')]
  await writeFile(other, 'mine')
  await symlink(other, path)
  const rejects = createRejects(path, 'csv', () => undefined)
  const row = { line: 2, values: {}, source: ['x'] }
  assert.throws(
    () => rejects.add(row, { field: null, reason: 'is refused' }),
    /^Error: The rejected rows cannot be kept in .*ELOOP/,
  )
  assert.equal(await readFile(other, 'utf8'), 'mine')
})
