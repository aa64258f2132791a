import type { IncomingMessage } from 'node:http'
import { type ApiError, errors } from './errors.ts'

/** What a body may have (contract, README). */
const MAX_BYTES = 4 * 1024 * 1024
/** What a refused body may still bring: a client that is cut off while it sends never sees why. */
const MAX_PASSED_OVER = 64 * 1024 * 1024
const FIRST_BYTES = 16 * 1024

/** Whether a body is larger than it may be, as far as its length is told before it comes. */
export function isTooLarge({ headers }: IncomingMessage): boolean {
  return Number(headers['content-length']) > MAX_BYTES
}

/** Reads a body as it came. @throws ApiError 413, 503 where too much arrives at once, 400 where it breaks off */
export type BodyReader = (arriving: IncomingMessage) => Promise<Buffer>

interface Arriving {
  startedMs: number
  /** lets go of what it holds; the rest of it is passed over */
  refuse: (error: ApiError) => void
}

/**
 * Reads bodies each into one piece of memory: what they arrive in, may be a chunk a byte, takes many times their size.
 *
 * @param maxHeld bytes that all bodies which are still arriving may hold: slow clients by the hundred hold no more
 * @param givesWayMs where a body has no room, one that has been arriving for longer than this is refused in its place
 */
export function createBodyReader(maxHeld: number, givesWayMs = Number.POSITIVE_INFINITY): BodyReader {
  let held = 0
  // the one that began first comes first
  const all = new Set<Arriving>()

  /** Refuses the slowest until there is room. @returns whether there is */
  function makeRoom(bytes: number): boolean {
    for (const slowest of all) {
      if (held + bytes <= maxHeld || performance.now() - slowest.startedMs <= givesWayMs) break
      slowest.refuse(errors.tooManyBodies())
    }
    return held + bytes <= maxHeld
  }

  return async (arriving) => {
    let body = Buffer.allocUnsafeSlow(0)
    let length = 0
    let passedOver = 0
    let refusal: ApiError | null = null
    const own: Arriving = { startedMs: performance.now(), refuse }

    function refuse(error: ApiError): void {
      refusal = error
      held -= body.length
      body = Buffer.allocUnsafeSlow(0)
      all.delete(own)
    }

    function grow(bytes: number): void {
      const larger = Math.min(MAX_BYTES, Math.max(2 * body.length, bytes, FIRST_BYTES))
      if (bytes > MAX_BYTES) refuse(errors.bodyTooLarge())
      else if (!makeRoom(larger - body.length)) refuse(errors.tooManyBodies())
      // it may have been the slowest itself
      else if (!refusal) {
        held += larger - body.length
        const before = body
        body = Buffer.allocUnsafeSlow(larger)
        before.copy(body, 0, 0, length)
      }
    }

    function take(chunk: Buffer): void {
      if (!refusal && length + chunk.length > body.length) grow(length + chunk.length)
      if (refusal) passedOver += chunk.length
      else length += chunk.copy(body, length)
    }

    all.add(own)
    if (isTooLarge(arriving)) refuse(errors.bodyTooLarge())
    // who waits to be told to send it sends nothing that could be passed over
    if (refusal && /100-continue/i.test(arriving.headers.expect ?? '')) throw refusal
    try {
      await new Promise<void>((resolve, reject) => {
        arriving.on('data', (chunk: Buffer) => {
          take(chunk)
          if (passedOver > MAX_PASSED_OVER) resolve()
        })
        arriving.once('end', resolve)
        arriving.once('error', () => reject(errors.malformedRequest()))
      })
    } finally {
      arriving.removeAllListeners('data')
      held -= body.length
      all.delete(own)
    }
    if (refusal) throw refusal
    return body.subarray(0, length)
  }
}
