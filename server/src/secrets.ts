import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto'
import { chmodSync, linkSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from './config.ts'
import { makeDataFolder } from './data-folder.ts'
import { readMeta } from './database/meta.ts'
import type { Store } from './database/store.ts'

/** Where a ciphertext lies: it can be decrypted nowhere else, so rows cannot be swapped. */
export interface SecretPlace {
  table: string
  orgId: number
  row: string
}

/** Encrypts what is kept secret at rest. */
export interface Secrets {
  /** names the master key without telling it */
  fingerprint: string
  encrypt: (plain: string, place: SecretPlace) => string
  /** @throws SecretsError  where the text was made with another key or for another place */
  decrypt: (text: string, place: SecretPlace) => string
  /** what stands for an idempotency key or a body: whoever has the store alone cannot try out what it was */
  hash: (bytes: string | Uint8Array) => string
  /** what shows that we made an address */
  signAddress: (text: string) => string
}

/** A sentence for the operator: what is wrong with the master key, and what to do. */
export class SecretsError extends Error {}

const KEY_BYTES = 32
const IV_BYTES = 12
const TAG_BYTES = 16
const HEX_KEY = /^[0-9a-fA-F]{64}$/
const KEY_FILE = 'master.key'

/**
 * The master key: `DYNAMO_MASTER_KEY`, else the file `master.key` in the data folder, which is made (mode 0600) where
 * it is missing and the store knows no other.
 *
 * @param stored the fingerprint of the key that the store was written with; null where it has none, or has been asked
 * @returns 32 bytes
 * @throws SecretsError  where the file is missing for such a store, cannot be read or made, or holds something else
 */
export function loadMasterKey(config: Pick<Config, 'masterKey' | 'dataDir'>, stored: string | null = null): Buffer {
  if (config.masterKey !== null) return parseKey(config.masterKey)
  const path = join(config.dataDir, KEY_FILE)
  try {
    const known = readKeyFile(path)
    // a new one would open nothing, and be taken for the store's
    if (known === null && stored !== null) throw new SecretsError(otherKey(stored, null))
    const text = known ?? makeKeyFile(config.dataDir, path)
    if (HEX_KEY.test(text)) return parseKey(text)
  } catch (error) {
    if (error instanceof SecretsError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new SecretsError(
      `Cannot read or make ${path} (${reason}): make the folder writable, or set DYNAMO_MASTER_KEY`,
      { cause: error },
    )
  }
  throw new SecretsError(`${path} does not hold 64 hex digits: put the right file back, or set DYNAMO_MASTER_KEY`)
}

/** The key under which erased users are kept as hashes: whoever has the store alone cannot tell whom they name. */
export function loadErasureKey(config: Pick<Config, 'masterKey' | 'dataDir'>, stored: string | null = null): Buffer {
  return deriveKey(loadMasterKey(config, stored), 'dynamo erased users')
}

function deriveKey(masterKey: Buffer, purpose: string): Buffer {
  return createHmac('sha256', masterKey).update(purpose).digest()
}

function parseKey(text: string): Buffer {
  return Buffer.from(text, HEX_KEY.test(text) ? 'hex' : 'base64')
}

function readKeyFile(path: string): string | null {
  try {
    return readFileSync(path, 'latin1').trim()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}

/** Linked into its place when it is complete: of several programs that start at once all read the same key. */
function makeKeyFile(dataDir: string, path: string): string {
  makeDataFolder(dataDir)
  const own = `${path}.${randomBytes(6).toString('hex')}`
  writeFileSync(own, `${randomBytes(KEY_BYTES).toString('hex')}\n`, { mode: 0o600, flag: 'wx', flush: true })
  try {
    chmodSync(own, 0o600)
    linkSync(own, path)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  } finally {
    unlinkSync(own)
  }
  return readKeyFile(path) ?? ''
}

/**
 * AES-256-GCM under the master key. A ciphertext is `<key's fingerprint>.<base64url of iv, tag and data>`, so that a key
 * can be rotated row by row.
 */
export function createSecrets(masterKey: Buffer): Secrets {
  const fingerprint = deriveKey(masterKey, 'dynamo master key').toString('hex').slice(0, 16)
  const hashKey = deriveKey(masterKey, 'dynamo idempotent answers')

  function encrypt(plain: string, place: SecretPlace): string {
    const iv = randomBytes(IV_BYTES)
    const cipher = createCipheriv('aes-256-gcm', masterKey, iv).setAAD(associatedData(place))
    const sealed = [cipher.update(plain, 'utf8'), cipher.final()]
    return `${fingerprint}.${Buffer.concat([iv, cipher.getAuthTag(), ...sealed]).toString('base64url')}`
  }

  function decrypt(text: string, place: SecretPlace): string {
    const dot = text.indexOf('.')
    if (text.slice(0, dot) !== fingerprint) throw new SecretsError(otherKey(text.slice(0, dot), fingerprint))
    const bytes = Buffer.from(text.slice(dot + 1), 'base64url')
    try {
      const decipher = createDecipheriv('aes-256-gcm', masterKey, bytes.subarray(0, IV_BYTES), {
        authTagLength: TAG_BYTES,
      })
      decipher.setAAD(associatedData(place)).setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES))
      return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]).toString('utf8')
    } catch (error) {
      throw new SecretsError(
        `A secret in ${place.table} of organization ${place.orgId} was changed or moved: restore the row from a backup`,
        { cause: error },
      )
    }
  }

  const addressKey = deriveKey(masterKey, 'dynamo addresses')

  const hash = (bytes: string | Uint8Array) => createHmac('sha256', hashKey).update(bytes).digest('base64url')

  const signAddress = (text: string) => createHmac('sha256', addressKey).update(text).digest('base64url')

  return { fingerprint, encrypt, decrypt, hash, signAddress }
}

function associatedData({ table, orgId, row }: SecretPlace): Buffer {
  return Buffer.from(JSON.stringify([table, orgId, row]))
}

function otherKey(stored: string, own: string | null): string {
  return (
    `The secrets in this store were encrypted with master key ${stored}, this program has ${own ?? 'none'}: ` +
    `set DYNAMO_MASTER_KEY to the store's key, or put its ${KEY_FILE} into DYNAMO_DATA_DIR`
  )
}

/**
 * Holds a store to its master key: the first program to come leaves the key's fingerprint there.
 *
 * @throws SecretsError  where the store's secrets were encrypted with another key
 */
export async function checkFingerprint(store: Store, { fingerprint }: Secrets): Promise<void> {
  const stored = (await readFingerprint(store.db)) ?? (await store.write('rememberMasterKey', { fingerprint }))
  if (stored !== fingerprint) throw new SecretsError(otherKey(String(stored), fingerprint))
}

/** The fingerprint of the master key that came first; null where none has come yet. */
export const readFingerprint = (db: Store['db']): Promise<string | null> => readMeta(db, 'master_key_fingerprint')
