import { Recent } from '../database/list-reader.ts'
import type { Store } from '../database/store.ts'
import type { Secrets } from '../secrets.ts'
import { errors } from './errors.ts'
import { createSigningSecret, isSignedWith, type SigningHeaders, type SigningSecret } from './signing.ts'

export type Scope = 'read' | 'report' | 'erase'

/** Who makes a request; the same object for every request of a key, as long as the key is remembered. */
export interface Caller {
  orgId: number
  organizationId: string
  organizationName: string
  apiKey: string
  /** `read`, `report`, `erase`, `all`, or several joined by `+` */
  scope: string
}

interface Key {
  caller: Caller
  secret: SigningSecret
  scopes: ReadonlySet<string>
  isRevoked: boolean
  isActive: boolean
}

interface Remembered {
  key: Key | null
  /** epoch ms, when the look-up began: what it saw is at least as new */
  readTimestamp: number
}

export interface Callers {
  /**
   * The caller that a request was signed by: at once where the key is remembered.
   *
   * @throws ApiError  403 for an unknown key or a wrong signature (one message), a revoked key, a missing scope; 402
   *   where the organization is inactive; in this order
   */
  identify: (headers: SigningHeaders, scope: Scope, nowMs: number) => Caller | Promise<Caller>
}

/** With the look-up itself below the 5 s within which a revoked key must stop working on every server. */
const KNOWN_KEY_MS = 4000
/** Longer, and a key that was just made would stay unknown to who tried it too early. */
const UNKNOWN_KEY_MS = 5000
/** Of each kind, so that a flood of invented keys takes 2 MB and drives out no known one. */
const MAX_KEYS = 10_000
/** A longer key is not looked up (contract, "Errors", Texts). */
const MAX_KEY_LENGTH = 255

/** @see contract, "Signing: every request, three headers" */
export function createCallers(db: Store['db'], secrets: Secrets): Callers {
  const known = new Recent<string, Remembered>(MAX_KEYS)
  const unknown = new Recent<string, Remembered>(MAX_KEYS)
  const lookups = new Map<string, Promise<Key | null>>()

  function remembered(apiKey: string, nowMs: number): Remembered | undefined {
    const entry = known.get(apiKey) ?? unknown.get(apiKey)
    if (!entry) return undefined
    const ageMs = nowMs - entry.readTimestamp
    // a clock that was set back must not lengthen what is remembered
    return ageMs >= 0 && ageMs <= (entry.key ? KNOWN_KEY_MS : UNKNOWN_KEY_MS) ? entry : undefined
  }

  async function lookUp(apiKey: string, nowMs: number): Promise<Key | null> {
    try {
      const key = await readKey(db, secrets, apiKey)
      known.delete(apiKey)
      unknown.delete(apiKey)
      const kind = key ? known : unknown
      kind.set(apiKey, { key, readTimestamp: nowMs })
      return key
    } finally {
      lookups.delete(apiKey)
    }
  }

  function sharedLookUp(apiKey: string, nowMs: number): Promise<Key | null> {
    const running = lookups.get(apiKey)
    if (running) return running
    const started = lookUp(apiKey, nowMs)
    lookups.set(apiKey, started)
    return started
  }

  return {
    identify(headers, scope, nowMs) {
      const { apiKey } = headers
      if (apiKey.length > MAX_KEY_LENGTH) throw errors.badSignature()
      const entry = remembered(apiKey, nowMs)
      if (entry) return admit(entry.key, headers, scope)
      return sharedLookUp(apiKey, nowMs).then((key) => admit(key, headers, scope))
    },
  }
}

function admit(key: Key | null, headers: SigningHeaders, scope: Scope): Caller {
  if (!key || !isSignedWith(key.secret, headers)) throw errors.badSignature()
  if (key.isRevoked) throw errors.keyRevoked()
  if (!key.scopes.has(scope) && !key.scopes.has('all')) throw errors.outsideScope(scope)
  if (!key.isActive) throw errors.organizationInactive()
  return key.caller
}

async function readKey(db: Store['db'], secrets: Secrets, apiKey: string): Promise<Key | null> {
  const row = await db
    .selectFrom('api_keys as k')
    .innerJoin('organizations as o', 'o.org_id', 'k.org_id')
    .select(['k.org_id', 'k.secret_ciphertext', 'k.scope', 'k.revoked_timestamp'])
    .select(['o.organization_id', 'o.name', 'o.active'])
    .where('k.api_key', '=', apiKey)
    .executeTakeFirst()
  if (!row) return null
  const secret = secrets.decrypt(row.secret_ciphertext, { table: 'api_keys', orgId: row.org_id, row: apiKey })
  return {
    caller: Object.freeze({
      orgId: row.org_id,
      organizationId: row.organization_id,
      organizationName: row.name,
      apiKey,
      scope: row.scope,
    }),
    secret: createSigningSecret(secret),
    scopes: new Set(row.scope.split('+')),
    isRevoked: row.revoked_timestamp !== null,
    isActive: row.active === 1,
  }
}
