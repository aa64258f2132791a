import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { Config } from '../config.ts'
import { errors } from './errors.ts'
import { parseHttpDate } from './timestamp.ts'

/** The three headers, as they came: each character one byte. */
export interface SigningHeaders {
  apiKey: string
  date: string
  signature: string
}

/** Where `x-date − server time` must lie, in ms, both ends included. */
export interface SkewBounds {
  minSkewMs: number
  maxSkewMs: number
}

const SIGNATURE = /^[0-9a-f]{64}$/

/**
 * The window of the settings as bounds of the skew. The age of a request is the negated skew, so the two readings of the
 * public sentence are mirror images.
 *
 * @see contract, "Signing: every request, three headers" (Freshness)
 */
export function skewBounds({ window, pastSeconds, futureSeconds }: Config['signature']): SkewBounds {
  // 0 − x, because −0 would be written as -0
  return window === 'age'
    ? { minSkewMs: 0 - pastSeconds * 1000, maxSkewMs: futureSeconds * 1000 }
    : { minSkewMs: 0 - futureSeconds * 1000, maxSkewMs: pastSeconds * 1000 }
}

/**
 * The signing headers of a request, as far as they can be checked without the key: all there, a date, fresh, and a
 * signature of the right form, in this order.
 *
 * @param nowMs  the server's time, epoch ms
 * @throws ApiError 403
 */
export function readSigningHeaders(headers: IncomingHttpHeaders, nowMs: number, bounds: SkewBounds): SigningHeaders {
  const apiKey = headers['x-api-key']
  const date = headers['x-date']
  const signature = headers['x-signature']
  // Node joins a repeated header to one text, so that only the type says it could be an array
  if (typeof apiKey !== 'string' || typeof date !== 'string' || typeof signature !== 'string') {
    throw errors.missingSigningHeaders()
  }
  if (apiKey === '' || date === '' || signature === '') throw errors.missingSigningHeaders()

  const timestamp = parseHttpDate(date)
  if (timestamp === null) throw errors.malformedDate()
  const skewMs = timestamp - nowMs
  if (skewMs < bounds.minSkewMs || skewMs > bounds.maxSkewMs) throw errors.signatureExpired({ skewMs, ...bounds })
  if (!SIGNATURE.test(signature)) throw errors.badSignature()
  return { apiKey, date, signature }
}

/** Whether the signature is the date's HMAC-SHA256 under the secret; compared in constant time. */
export function isSignedWith(secret: KeyObject, { date, signature }: SigningHeaders): boolean {
  return timingSafeEqual(createHmac('sha256', secret).update(date, 'latin1').digest(), Buffer.from(signature, 'hex'))
}
