import { createHmac, randomBytes } from 'node:crypto'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import type { Store } from '../src/database/store.ts'
import type { Secrets } from '../src/secrets.ts'

export interface Credentials {
  apiKey: string
  secret: string
}

/** A key of an organization, kept as the product keeps it. */
export async function makeKey(store: Store, secrets: Secrets, orgId: number, scope = 'all'): Promise<Credentials> {
  const apiKey = randomBytes(12).toString('hex')
  const secret = randomBytes(32).toString('hex')
  const secretCiphertext = secrets.encrypt(secret, { table: 'api_keys', orgId, row: apiKey })
  await store.write('createApiKey', { orgId, apiKey, secretCiphertext, label: null, scope })
  return { apiKey, secret }
}

/** The three headers, made as a caller makes them. */
export function sign({ apiKey, secret }: Credentials, date: string): Record<string, string> {
  const signature = createHmac('sha256', secret).update(date).digest('hex')
  return { 'x-api-key': apiKey, 'x-date': date, 'x-signature': signature }
}

interface SignedGetOptions {
  nowMs: number
  headers?: Record<string, string>
  method?: 'GET' | 'HEAD'
}

/** A signed request with a body through the app's front door: an object goes as JSON, text and bytes as they are. */
export function signedPost(
  app: FastifyInstance,
  credentials: Credentials,
  url: string,
  { nowMs, headers = {}, payload }: { nowMs: number; headers?: Record<string, string>; payload: object | string },
): Promise<LightMyRequestResponse> {
  const signed = sign(credentials, new Date(nowMs).toISOString())
  return app.inject({ method: 'POST', url, headers: { ...signed, ...headers }, payload })
}

/** A signed request through the app's front door. */
export function signedGet(
  app: FastifyInstance,
  credentials: Credentials,
  url: string,
  { nowMs, headers = {}, method = 'GET' }: SignedGetOptions,
): Promise<LightMyRequestResponse> {
  return app.inject({ method, url, headers: { ...sign(credentials, new Date(nowMs).toISOString()), ...headers } })
}
