import { fittingRows, type Pace } from '../pace.ts'

/**
 * A chunk keeps its users, and the lists that they are in, from a server's writes: for so long at most. There it is not
 * asked whether a server runs: it may run on another machine.
 */
const MAX_POSTGRES_MS = 100
const MAX_POSTGRES_ROWS = 4_000
const FIRST_POSTGRES_ROWS = 250
/** While one part's rows are made ready here the other's are written there; with more they wait for the disk alike. */
const PARTS = 2

export function createPostgresPace(): Pace {
  let size = FIRST_POSTGRES_ROWS
  return {
    get size() {
      return size
    },
    parts: PARTS,
    tell(rows, tookMs) {
      size = fittingRows(rows, tookMs, MAX_POSTGRES_MS, MAX_POSTGRES_ROWS)
      return 0
    },
    close: () => undefined,
  }
}
