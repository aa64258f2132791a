import { hash, timingSafeEqual } from 'node:crypto'

/** Whether a text is the secret one: in a time that does not tell how much of it is right, nor how long it should be. */
export function isSameSecret(given: string, secret: string): boolean {
  return timingSafeEqual(hash('sha256', given, 'buffer'), hash('sha256', secret, 'buffer'))
}
