import { randomBytes } from 'node:crypto'

/** Unique over servers and restarts, and cheaper than a random one each time. */
export function createRequestId(): () => string {
  const start = randomBytes(9).toString('base64url')
  let count = 0
  return () => `${start}-${(++count).toString(36)}`
}
