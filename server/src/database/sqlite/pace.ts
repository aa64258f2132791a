import { fittingRows, type Pace } from '../pace.ts'
import { watchServing } from './serving.ts'

/**
 * A larger chunk costs less a row, since the unique index of purchases is written all over by each; a smaller one takes
 * twice the time. Of a store that nobody serves nobody waits for it.
 */
const SQLITE_ALONE_ROWS = 50_000
/** Beside a server: with more, the server's own writes wait too long for the store's one writer. */
const MAX_SHARED_ROWS = 1_000
const MAX_SHARED_MS = 50
const FIRST_SHARED_ROWS = 100
/** Looks before every chunk: a server may start, or end, while an import runs. */
export function createSqlitePace(dataDir: string): Pace {
  const serving = watchServing(dataDir)
  let shared = FIRST_SHARED_ROWS
  let served = serving.isServed()
  return {
    get size() {
      served = serving.isServed()
      return served ? shared : SQLITE_ALONE_ROWS
    },
    parts: 1,
    tell(rows, tookMs) {
      if (!served) return 0
      shared = fittingRows(rows, tookMs, MAX_SHARED_MS, MAX_SHARED_ROWS)
      return tookMs
    },
    close: serving.close,
  }
}
