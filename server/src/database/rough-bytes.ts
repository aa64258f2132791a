/** What an object, a key or a number takes beside its text, more or less. */
const OVERHEAD_BYTES = 32

/** About how much memory plain data holds: enough to bound it, and cheap beside the write that it is for. */
export function roughBytes(value: unknown): number {
  if (typeof value === 'string') return OVERHEAD_BYTES + value.length
  if (typeof value !== 'object' || value === null) return OVERHEAD_BYTES
  let bytes = OVERHEAD_BYTES
  for (const item of Object.values(value)) bytes += roughBytes(item)
  return bytes
}
