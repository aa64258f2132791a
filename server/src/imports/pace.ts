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
/**
 * A transaction keeps its users, and the lists that they are in, from a server's writes: for so long at most. There it
 * is not asked whether a server runs: it may run on another machine.
 */
const MAX_POSTGRES_MS = 50
const MAX_POSTGRES_ROWS = 4_000
const FIRST_POSTGRES_ROWS = 250
const POSTGRES_LANES = 3

export function createPace(store: Store, dataDir: string): Pace {
  return store.name === 'postgres' ? createPostgresPace() : createSqlitePace(dataDir)
}

function createPostgresPace(): Pace {
  let size = FIRST_POSTGRES_ROWS
  return {
    get size() {
      return size
    },
    lanes: POSTGRES_LANES,
    tell(rows, tookMs) {
      size = fitting(rows, tookMs, MAX_POSTGRES_MS, MAX_POSTGRES_ROWS)
      return 0
    },
    close: () => undefined,
  }
}

/** Looks before every chunk: a server may start, or end, while an import runs. */
function createSqlitePace(dataDir: string): Pace {
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
      shared = fitting(rows, tookMs, MAX_SHARED_MS, MAX_SHARED_ROWS)
      return tookMs
    },
    close: serving.close,
  }
}

/** How many rows the next chunk may have, so that it takes `maxMs` if it goes like the last one; at most twice as many. */
function fitting(rows: number, tookMs: number, maxMs: number, maxRows: number): number {
  return Math.max(1, Math.min(maxRows, 2 * rows, Math.round((rows * maxMs) / Math.max(tookMs, 1))))
}
