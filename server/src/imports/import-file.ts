import type { Pace } from '../database/pace.ts'
import type { Store } from '../database/store.ts'
import { whenFree } from '../database/when-free.ts'
import { ApiError } from '../http/errors.ts'
import { checkColumns } from './check-columns.ts'
import { type ImportKind, isFault, type Outcome } from './kind.ts'
import { createLanes } from './lanes.ts'
import { readCsv } from './read-csv.ts'
import { readNdjson } from './read-ndjson.ts'
import type { Row, RowFault } from './row.ts'
import type { Source } from './source.ts'

export interface ImportCounts {
  read: number
  imported: number
  unchanged: number
  rejected: number
}

export interface ImportOptions {
  pace: Pace
  /** called once, with a CSV file's columns */
  onColumns: (columns: string[]) => void
  onRejected: (row: Row, fault: RowFault) => void
  onProgress: (counts: ImportCounts) => void
}

interface Entry<Fact> {
  row: Row
  fact: Fact
  /** once it is written */
  outcome?: Outcome
}

/**
 * Reads rows, and writes them in chunks, each in as many parts at once as suit the store. Of two rows that contradict each
 * other, two with one id, the first of the file counts. What is read runs ahead of what is written by a chunk for each
 * part. A row that is refused is told, and the others are written.
 *
 * @throws ImportError where the file cannot be read to its end; what came before has been imported
 */
export async function importFile<Fact extends object>(
  store: Store,
  source: Source,
  kind: ImportKind<Fact>,
  options: ImportOptions,
): Promise<ImportCounts> {
  const { pace, onRejected, onProgress } = options
  const counts: ImportCounts = { read: 0, imported: 0, unchanged: 0, rejected: 0 }
  const lanes = createLanes(kind, pace.parts)
  /** when each lane has written what it has been given so far */
  const free = Array.from({ length: pace.parts }, () => Promise.resolve())
  /** the chunks that are not written yet, when they are */
  const chunks: Promise<void>[] = []
  let waiting: Entry<Fact>[] = []
  let failure: { error: unknown } | undefined
  let size = pace.size

  function fail(error: unknown): void {
    failure ??= { error }
  }

  function reject(row: Row, fault: RowFault): void {
    counts.rejected += 1
    onRejected(row, fault)
  }

  /** Nothing more where an earlier part failed. */
  async function write(part: Entry<Fact>[], inChunk: number): Promise<void> {
    if (failure || part.length === 0) return
    const began = performance.now()
    try {
      for (const [index, outcome] of (await writeOrSplit(store, kind, part)).entries()) {
        const entry = part[index]
        if (entry) entry.outcome = outcome
      }
    } catch (error) {
      return fail(error)
    }
    const restMs = pace.tell(inChunk, performance.now() - began)
    if (restMs > 0) await pause(restMs)
  }

  function count(entries: Entry<Fact>[]): void {
    for (const { row, outcome } of entries) {
      if (typeof outcome === 'string') counts[outcome] += 1
      else if (outcome) reject(row, outcome)
    }
    onProgress(counts)
  }

  /** Hands what waits to the lanes, as soon as they are no more than a chunk each behind. */
  async function send(): Promise<void> {
    const entries = waiting
    waiting = []
    const { parts, written } = lanes.split(entries)
    if (chunks.length === pace.parts) await chunks.shift()
    if (failure) throw failure.error
    for (const [lane, part] of parts.entries()) {
      free[lane] = Promise.resolve(free[lane]).then(() => write(part, entries.length))
    }
    const allWritten = Promise.all([...free, chunks.at(-1)]).then(() => {
      written()
      count(entries)
    })
    chunks.push(allWritten.catch(fail))
    size = pace.size
  }

  try {
    for await (const row of readRows(source, kind, options.onColumns)) {
      counts.read += 1
      const fact = row.fault ?? kind.parse(row)
      if (isFault(fact)) {
        reject(row, fact)
        continue
      }
      waiting.push({ row, fact })
      if (waiting.length >= size) await send()
    }
  } finally {
    // also where the file broke off: what came before counts
    try {
      if (waiting.length > 0 && !failure) await send()
    } finally {
      await chunks.at(-1)
    }
  }
  if (failure) throw (failure as { error: unknown }).error
  return counts
}

function readRows<Fact>(
  { chunks, format }: Source,
  kind: ImportKind<Fact>,
  onColumns: (columns: string[]) => void,
): AsyncIterable<Row> {
  if (format === 'ndjson') return readNdjson(chunks)
  return readCsv(chunks, (columns) => {
    checkColumns(kind, columns)
    onColumns(columns)
  })
}

/** A chunk that is refused as a whole is halved until the rows are found that it was refused for. */
async function writeOrSplit<Fact>(store: Store, kind: ImportKind<Fact>, entries: Entry<Fact>[]): Promise<Outcome[]> {
  try {
    const facts = entries.map((entry) => entry.fact)
    return await whenFree(() => kind.write(store, facts))
  } catch (error) {
    if (!(error instanceof ApiError) || error.statusCode >= 500) throw error
    if (entries.length === 1) return [{ field: null, reason: `is refused: ${error.message}` }]
    const half = entries.length >> 1
    const before = await writeOrSplit(store, kind, entries.slice(0, half))
    return [...before, ...(await writeOrSplit(store, kind, entries.slice(half)))]
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
