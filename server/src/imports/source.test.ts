import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openSource } from './source.ts'

test('a file that is one JSON array is refused, whatever its name says', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'dynamo-source-'))
  t.after(() => rm(folder, { recursive: true }))
  const file = join(folder, 'users.json')
  for (const text of ['[{"cuid":"u1"}]', ' [\n  { "cuid": "u1" }\n]\n', '[]']) {
    await writeFile(file, text)
    for (const format of [undefined, 'csv', 'ndjson'] as const) {
      await assert.rejects(openSource(file, format, 0), /^Error: This is a JSON array: one object a line is needed/)
    }
  }
  await writeFile(file, '[vip],cuid\n1,u1\n')
  assert.equal((await openSource(file, undefined, 0)).format, 'csv')
})
