import { hash } from 'node:crypto'

/** 16 MiB, however many texts: a set of all of a page's people would grow without a bound. */
const BITS = 2 ** 27
const BITS_PER_TEXT = 3

/**
 * Which texts came before. A new one may be taken for one that did: of ten million texts every hundredth at most, so
 * that it says something of many texts, and nothing of one.
 *
 * @see https://en.wikipedia.org/wiki/Bloom_filter
 */
export function createSeen() {
  const bits = new Uint8Array(BITS / 8)
  return {
    /** @returns whether the text is new */
    add(text: string): boolean {
      const digest = hash('sha256', text, 'buffer')
      let isNew = false
      for (let n = 0; n < BITS_PER_TEXT; n++) {
        const bit = digest.readUInt32LE(4 * n) % BITS
        const [byte, mask] = [bit >>> 3, 1 << (bit & 7)]
        if (((bits[byte] ?? 0) & mask) === 0) isNew = true
        bits[byte] = (bits[byte] ?? 0) | mask
      }
      return isNew
    },
  }
}
