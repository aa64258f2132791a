import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createSecrets, loadMasterKey, SecretsError } from './secrets.ts'

const KEY = Buffer.alloc(32, 1)
const PLACE = { table: 'api_keys', orgId: 7, row: 'key-1' }

test('a secret comes back from its own row', () => {
  const secrets = createSecrets(KEY)
  for (const plain of ['', 'secret', '🔑'.repeat(100)]) {
    assert.equal(secrets.decrypt(secrets.encrypt(plain, PLACE), PLACE), plain)
  }
})

test('a ciphertext begins with the fingerprint of its key and never repeats', () => {
  const secrets = createSecrets(KEY)
  const first = secrets.encrypt('secret', PLACE)
  assert.ok(first.startsWith(`${secrets.fingerprint}.`))
  assert.notEqual(first, secrets.encrypt('secret', PLACE))
})

test('a ciphertext that was moved to another table, organization or row is refused', () => {
  const secrets = createSecrets(KEY)
  const text = secrets.encrypt('secret', PLACE)
  for (const place of [
    { ...PLACE, table: 'page_tokens' },
    { ...PLACE, orgId: 8 },
    { ...PLACE, row: 'key-2' },
  ]) {
    assert.throws(() => secrets.decrypt(text, place), SecretsError)
  }
})

test('a ciphertext with any changed or missing character is refused', () => {
  const secrets = createSecrets(KEY)
  const text = secrets.encrypt('secret', PLACE)
  for (let index = 0; index < text.length - 1; index++) {
    const changed = `${text.slice(0, index)}${text[index] === 'A' ? 'B' : 'A'}${text.slice(index + 1)}`
    assert.throws(() => secrets.decrypt(changed, PLACE), SecretsError, `character ${index}`)
  }
  for (const short of ['', '.', text.slice(0, 17), text.slice(0, 30), text.slice(0, -4)]) {
    assert.throws(() => secrets.decrypt(short, PLACE), SecretsError)
  }
})

test('with another master key the error names both keys and says what to do', () => {
  const text = createSecrets(KEY).encrypt('secret', PLACE)
  const other = createSecrets(Buffer.alloc(32, 2))
  assert.throws(
    () => other.decrypt(text, PLACE),
    (error) => {
      assert.ok(error instanceof SecretsError)
      assert.match(error.message, new RegExp(`${createSecrets(KEY).fingerprint}.*${other.fingerprint}`))
      assert.match(error.message, /set DYNAMO_MASTER_KEY/)
      return true
    },
  )
})

function inFolder(use: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'dynamo-secrets-'))
  try {
    use(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('a master key is made once, in a file that only its owner reads', () => {
  inFolder((folder) => {
    const dataDir = join(folder, 'data')
    const key = loadMasterKey({ masterKey: null, dataDir })
    assert.equal(key.length, 32)
    assert.equal(statSync(join(dataDir, 'master.key')).mode & 0o777, 0o600)
    assert.deepEqual(readdirSync(dataDir), ['master.key'])
    assert.deepEqual(loadMasterKey({ masterKey: null, dataDir }), key)
  })
})

test('a master key in the environment is used instead of the file, as hex and as base64', () => {
  inFolder((folder) => {
    assert.deepEqual(loadMasterKey({ masterKey: KEY.toString('hex'), dataDir: folder }), KEY)
    assert.deepEqual(loadMasterKey({ masterKey: KEY.toString('base64'), dataDir: folder }), KEY)
    assert.deepEqual(readdirSync(folder), [])
  })
})

test('a damaged master key file stops the start and is left as it is', () => {
  inFolder((folder) => {
    writeFileSync(join(folder, 'master.key'), 'abc\n')
    assert.throws(() => loadMasterKey({ masterKey: null, dataDir: folder }), /does not hold 64 hex digits/)
    assert.equal(readFileSync(join(folder, 'master.key'), 'utf8'), 'abc\n')
  })
})
