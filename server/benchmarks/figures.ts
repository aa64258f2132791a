export interface Measured {
  requestsPerSecond: number
  p50Ms: number
  p99Ms: number
  residentMiB: number
  /** requests a second as a share of the bare server's, measured in the same round */
  ratio: number
  batchesPerSecond?: number
}

/** What was measured, by what was asked, over all rounds. */
export interface Figures {
  add: (row: string, measured: Measured) => void
  /** medians over the rounds, as a table in Markdown */
  table: () => string
}

export function createFigures(): Figures {
  const rows = new Map<string, Measured[]>()
  return {
    add(row, measured) {
      rows.getOrInsertComputed(row, () => []).push(measured)
      process.stderr.write(`${row}: ${Math.round(measured.requestsPerSecond)}/s\n`)
    },
    table() {
      const lines = [...rows].map(([row, measured]) => {
        const middle = (name: keyof Measured) => median(measured.map((one) => one[name] ?? 0))
        const batches = middle('batchesPerSecond')
        return [
          row + (batches > 0 ? ` (${batches.toFixed(1)} batches/s written)` : ''),
          Math.round(middle('requestsPerSecond')).toLocaleString('en'),
          middle('p50Ms').toFixed(2),
          middle('p99Ms').toFixed(2),
          Math.round(middle('residentMiB')),
          middle('ratio').toFixed(3),
        ]
      })
      return toTable(['', 'req/s', 'p50 ms', 'p99 ms', 'memory MiB', 'of (a)'], lines)
    },
  }
}

export function toTable(head: string[], rows: (string | number)[][]): string {
  const line = (cells: (string | number)[]) => `| ${cells.join(' | ')} |`
  return [line(head), `|---${'|--:'.repeat(head.length - 1)}|`, ...rows.map(line)].join('\n')
}

export function median(values: number[]): number {
  return percentile(values, 0.5)
}

/** @param share  0.99: what 99 of 100 values are no larger than */
export function percentile(values: number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.floor(sorted.length * share)] ?? 0
}
