/** How much one chunk of an import takes, and what it leaves to others. */
export interface Pace {
  /** rows of the next chunk */
  size: number
  /** in how many transactions at once a chunk is written */
  parts: number
  /** after each part, with the rows of its whole chunk: how long to leave the store to others, ms */
  tell: (rows: number, tookMs: number) => number
  close: () => void
}

/** How many rows the next chunk may have, so that it takes `maxMs` if it goes like the last one; at most twice as many. */
export function fittingRows(rows: number, tookMs: number, maxMs: number, maxRows: number): number {
  return Math.max(1, Math.min(maxRows, 2 * rows, Math.round((rows * maxMs) / Math.max(tookMs, 1))))
}
