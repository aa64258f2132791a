import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { type AppOptions, buildApp } from '../src/app.ts'
import { loadConfig } from '../src/config.ts'
import { openStore } from '../src/database/open-store.ts'
import type { Store } from '../src/database/store.ts'
import { createSecrets, type Secrets } from '../src/secrets.ts'
import { type Credentials, makeKey, signedGet, signedPost } from './signed.ts'

/** A time of day, so that a test says what it means by late. */
export const NOW = Date.UTC(2026, 4, 30, 13)

export interface TestApp {
  app: FastifyInstance
  secrets: Secrets
  clock: { ms: number }
  /** a key of an organization, for `get` */
  key: (orgId: number, scope?: string) => Promise<Credentials>
  /** a signed request, as of the clock */
  get: (
    credentials: Credentials,
    url: string,
    headers?: Record<string, string>,
    method?: 'GET' | 'HEAD',
  ) => Promise<LightMyRequestResponse>
  /** a signed request with a body, as of the clock: an object goes as JSON, text and bytes as they are */
  post: (
    credentials: Credentials,
    url: string,
    payload: object | string,
    headers?: Record<string, string>,
  ) => Promise<LightMyRequestResponse>
}

/** The app over a store, with a clock that stands still until it is moved. */
export function testApp(
  store: Store,
  env: NodeJS.ProcessEnv = {},
  options: Partial<Pick<AppOptions, 'log' | 'metrics' | 'storage' | 'timeouts'>> = {},
): TestApp {
  const clock = { ms: NOW }
  const secrets = createSecrets(Buffer.alloc(32, 7))
  const app = buildApp({ store, config: loadConfig(env), secrets, now: () => clock.ms, ...options })
  return {
    app,
    secrets,
    clock,
    key: (orgId, scope) => makeKey(store, secrets, orgId, scope),
    get: (credentials, url, headers = {}, method = 'GET') =>
      signedGet(app, credentials, url, { nowMs: clock.ms, headers, method }),
    post: (credentials, url, payload, headers = {}) =>
      signedPost(app, credentials, url, { nowMs: clock.ms, headers, payload }),
  }
}

/** A store for what does not depend on which of the two it is. */
export async function openTestStore(): Promise<{
  store: Store
  /** what its server is told */
  env: Record<string, string>
  remove: () => Promise<void>
}> {
  const dataDir = await mkdtemp(join(tmpdir(), 'dynamo-test-'))
  const store = await openStore({ databaseUrl: null, dataDir, masterKey: null })
  return {
    store,
    env: { DYNAMO_DATA_DIR: dataDir },
    async remove() {
      await store.close()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
