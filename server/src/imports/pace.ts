import { watchServing } from '../database/sqlite/serving.ts'
import type { Store } from '../database/store.ts'

/** How much one transaction takes, and what it leaves to others. */
export interface Pace {
  /** rows of the next chunk */
  size: number
  /** so many chunks are written at once, each about people of its own: they do not wait for each other's locks */
  lanes: number
  /** after a chunk: how long to leave the store to others, ms */
  tell: (rows: number, tookMs: number) => number
  close: () => void
}

/**
 * A larger chunk costs less a row, since the unique index of purchases is written all over by each; a smaller one takes
 * twice the time. Of a store that nobody serves nobody waits for it.
 */
const SQLITE_ALONE_ROWS = 50_000
/** Beside a server: with more, the server's own writes wait too long for the store's one writer. */
const MAX_SHARED_ROWS = 1_000
const MAX_SHARED_MS = 50
const FIRST_SHARED_ROWS = 100
const POSTGRES = { size: 4_000, lanes: 3 }

/** Looks before every chunk: a server may start, or end, while an import runs. */
export function createPace(store: Store, dataDir: string): Pace {
  if (store.name === 'postgres') return { ...POSTGRES, tell: () => 0, close: () => undefined }
  const serving = watchServing(dataDir)
  let shared = FIRST_SHARED_ROWS
  let served = serving.isServed()
  return {
    get size() {
      served = serving.isServed()
      return served ? shared : SQLITE_ALONE_ROWS
    },
    lanes: 1,
    tell(rows, tookMs) {
      if (!served) return 0
      const fitting = Math.round((rows * MAX_SHARED_MS) / Math.max(tookMs, 1))
      shared = Math.max(1, Math.min(MAX_SHARED_ROWS, fitting))
      return tookMs
    },
    close: serving.close,
  }
}
