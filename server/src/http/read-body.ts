import type { IncomingMessage } from 'node:http'
import { errors } from './errors.ts'

/** What a body may have (contract, README). */
const MAX_BYTES = 4 * 1024 * 1024
/** What a refused body may still bring: a client that is cut off while it sends never sees why. */
const MAX_PASSED_OVER = 64 * 1024 * 1024
const FIRST_BYTES = 16 * 1024

/** Reads a body as it came. @throws ApiError 413, 503 where too much arrives at once, 400 where it breaks off */
export type BodyReader = (arriving: IncomingMessage) => Promise<Buffer>

/**
 * Reads bodies each into one piece of memory: what they arrive in, may be a chunk a byte, takes many times their size.
 *
 * @param maxHeld bytes that all bodies which are still arriving may hold: slow clients by the hundred hold no more
 */
export function createBodyReader(maxHeld: number): BodyReader {
  let held = 0

  return async (arriving) => {
    let body = Buffer.allocUnsafeSlow(0)
    let length = 0
    let passedOver = 0
    let refusal = Number(arriving.headers['content-length']) > MAX_BYTES ? errors.bodyTooLarge() : null

    function makeRoom(bytes: number): void {
      const larger = Math.min(MAX_BYTES, Math.max(2 * body.length, bytes, FIRST_BYTES))
      if (bytes > MAX_BYTES) refusal = errors.bodyTooLarge()
      else if (held + larger - body.length > maxHeld) refusal = errors.tooManyBodies()
      else {
        held += larger - body.length
        const before = body
        body = Buffer.allocUnsafeSlow(larger)
        before.copy(body, 0, 0, length)
      }
    }

    function take(chunk: Buffer): void {
      if (!refusal && length + chunk.length > body.length) makeRoom(length + chunk.length)
      if (refusal) passedOver += chunk.length
      else length += chunk.copy(body, length)
    }

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
    }
    if (refusal) throw refusal
    return body.subarray(0, length)
  }
}
