import assert from 'node:assert/strict'
import { copyFile, mkdtemp, open, readdir, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { dynamo, dynamoPrints } from './cli.ts'
import { eachStore } from './stores.ts'

eachStore((get) => {
  test('a store whose master key is missing is not opened, and gets no other key', async () => {
    const { env } = get()
    const dataDir = env.DYNAMO_DATA_DIR ?? ''
    await dynamoPrints(env, ['migrate'])
    const [key, elsewhere] = [join(dataDir, 'master.key'), join(dataDir, 'elsewhere.key')]
    await rename(key, elsewhere)
    for (const command of ['restored', 'serve']) {
      const { code, stderr } = await dynamo({ ...env, PORT: '0' }, [command])
      assert.equal(code, 1, command)
      assert.match(
        stderr,
        /^The secrets in this store were encrypted with master key \w{16}, this program has none: [^\n]+ put its master\.key into DYNAMO_DATA_DIR\n$/,
      )
      assert.equal((await readdir(dataDir)).includes('master.key'), false, command)
    }
    await rename(elsewhere, key)
    await dynamoPrints(env, ['restored'])
  })
})

test("a store's file that is damaged, or not a store's, is told as that, with what to do", async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'dynamo-test-'))
  t.after(() => rm(dataDir, { recursive: true }))
  const env = { DYNAMO_DATA_DIR: dataDir }
  await dynamoPrints(env, ['migrate'])
  const [path, whole] = [join(dataDir, 'dynamo.sqlite'), join(dataDir, 'whole.sqlite')]
  await copyFile(path, whole)
  const overwrite = async (from: number, to: number) => {
    const file = await open(path, 'r+')
    await file.write(Buffer.alloc(to - from, 0xff), 0, to - from, from)
    await file.close()
  }
  const damages = {
    'another file': () => writeFile(path, 'no store\n'.repeat(1_000)),
    'a schema that cannot be read': () => overwrite(100, 4_096),
    'a table that cannot be read': () => overwrite(4_096, 65_536),
    'an end that is missing': () => truncate(path, 8_192),
  }
  for (const [name, damage] of Object.entries(damages)) {
    await copyFile(whole, path)
    await damage()
    const { code, stderr } = await dynamo(env, ['verify'])
    assert.equal(code, 1, name)
    assert.match(
      stderr,
      /^Cannot open the store in [^\n]+: dynamo\.sqlite is damaged or no store of Dynamo; restore a backup \(docs\/operate\.md\)\n$/,
      name,
    )
  }
})
