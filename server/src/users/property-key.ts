const MAX_BYTES = 255

/**
 * Whether a property can have this key.
 *
 * @see contract, "Errors" (Texts)
 */
export function isPropertyKey(key: string): boolean {
  return key !== '' && !key.includes('\0') && key.isWellFormed() && Buffer.byteLength(key) <= MAX_BYTES
}
