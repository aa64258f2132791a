import { fittingRows, type Pace } from '../pace.ts'

/**
 * A chunk keeps its users from a server's writes for so long at most. There it is not asked whether a server runs: it may
 * run on another machine.
 */
const MAX_MS = 100
/** Where there are lists it keeps their versions, and so every write of anybody who is in one. */
const MAX_LISTED_MS = 50
const MAX_ROWS = 4_000
const FIRST_ROWS = 250
/** Of rows that may each change a list the first ones, while nothing is compiled yet, take several times as long. */
const FIRST_LISTED_ROWS = 100
/** While one part's rows are made ready here the other's are written there; with more they wait for the disk alike. */
const PARTS = 2
/** Two would wait for each other's lists in turn, and a server's write for both. */
const LISTED_PARTS = 1

export function createPostgresPace({ isListed }: { isListed: boolean }): Pace {
  const maxMs = isListed ? MAX_LISTED_MS : MAX_MS
  let size = isListed ? FIRST_LISTED_ROWS : FIRST_ROWS
  return {
    get size() {
      return size
    },
    parts: isListed ? LISTED_PARTS : PARTS,
    tell(rows, tookMs) {
      size = fittingRows(rows, tookMs, maxMs, MAX_ROWS)
      return 0
    },
    close: () => undefined,
  }
}
