import { createHmac, timingSafeEqual } from 'node:crypto'

const SIGNATURE = /^sha256=([0-9a-f]{64})$/

/**
 * Whether one of these app secrets signed the body.
 *
 * @param header `X-Hub-Signature-256`: `sha256=` and the hex HMAC-SHA256 of the body as it came
 * @see https://developers.facebook.com/docs/messenger-platform/webhooks#validate-payloads
 */
export function isSigned(body: Uint8Array, header: unknown, secrets: readonly string[]): boolean {
  const hex = typeof header === 'string' ? SIGNATURE.exec(header)?.[1] : undefined
  if (hex === undefined) return false
  const given = Buffer.from(hex, 'hex')
  // every secret is tried, so that the time tells nothing of which one it was
  return secrets.map((secret) => timingSafeEqual(given, hmac(secret, body))).includes(true)
}

function hmac(secret: string, bytes: Uint8Array): Buffer {
  return createHmac('sha256', secret).update(bytes).digest()
}
