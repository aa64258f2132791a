import type { Pace } from '../database/pace.ts'
import type { Store } from '../database/store.ts'
import { whenFree } from '../database/when-free.ts'
import { ApiError } from '../http/errors.ts'
import { compareTexts } from '../text-order.ts'
import { type ImportKind, isFault, type Outcome, type PartBy } from './kind.ts'
import { readCsv } from './read-csv.ts'
import { readNdjson } from './read-ndjson.ts'
import { ImportError, type Row, type RowFault } from './row.ts'
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
 * Reads rows, and writes them in chunks, one after the other, so that of two rows that contradict each other, two with one
 * id, the first of the file counts. What is read runs ahead of what is written by one chunk. A row that is refused is told, and the others
 * are written.
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
  let waiting: Entry<Fact>[] = []
  let writing = Promise.resolve()
  let failure: { error: unknown } | undefined
  let size = pace.size

  function reject(row: Row, fault: RowFault): void {
    counts.rejected += 1
    onRejected(row, fault)
  }

  async function write(entries: Entry<Fact>[], parts: Entry<Fact>[][]): Promise<void> {
    const began = performance.now()
    const written = await Promise.allSettled(
      parts.map(async (part) => {
        for (const [index, outcome] of (await writeOrSplit(store, kind, part)).entries()) {
          const entry = part[index]
          if (entry) entry.outcome = outcome
        }
      }),
    )
    for (const { row, outcome } of entries) {
      if (typeof outcome === 'string') counts[outcome] += 1
      else if (outcome) reject(row, outcome)
    }
    onProgress(counts)
    // of one part, where the other may be committed
    const failed = written.find((part) => part.status === 'rejected')
    if (failed) throw failed.reason
    const restMs = pace.tell(entries.length, performance.now() - began)
    if (restMs > 0) await pause(restMs)
  }

  /** Writes what waits as soon as the last chunk is written; reading goes on meanwhile. */
  async function send(): Promise<void> {
    const entries = waiting
    waiting = []
    const parts = inParts(kind, entries, pace.parts)
    await writing
    if (failure) throw failure.error
    writing = write(entries, parts).catch((error: unknown) => {
      failure ??= { error }
    })
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
    if (waiting.length > 0 && !failure) await send()
    await writing
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

const MAX_KEY_BYTES = 255

function checkColumns<Fact>({ columns: known, required, takesProperties }: ImportKind<Fact>, columns: string[]): void {
  const missing = required.filter((name) => !columns.includes(name))
  const first = `the first line must name the columns: ${known.join(', ')}`
  if (missing.length > 0) throw new ImportError(`The column ${missing.join(', ')} is missing; ${first}`)
  const unknown = columns.filter((name) => !known.includes(name))
  if (!takesProperties && unknown.length > 0)
    throw new ImportError(`The column ${unknown.join(', ')} is not known; ${first}`)
  const long = unknown.find((name) => Buffer.byteLength(name) > MAX_KEY_BYTES || name.includes('\0'))
  if (long !== undefined)
    throw new ImportError(`The column ${long.slice(0, 40)}… is no property key: at most 255 bytes`)
}

/**
 * A chunk in parts that are written at once, each in a transaction and in the order of its ids, in which the store writes
 * them: put so here, while it still writes the last chunk.
 */
function inParts<Fact>({ partBy }: ImportKind<Fact>, entries: Entry<Fact>[], count: number): Entry<Fact>[][] {
  if (!partBy) return [entries]
  const parts = count === 1 ? [[...entries]] : split(partBy, entries, count)
  const { id } = partBy
  return parts.map((part) => part.sort((one, other) => compareTexts(id(one.fact), id(other.fact))))
}

/** Rows that may contradict each other in one part, and so mostly each user's rows, whose lock the parts would wait for. */
function split<Fact>({ id, user }: PartBy<Fact>, entries: Entry<Fact>[], count: number): Entry<Fact>[][] {
  const parts = Array.from({ length: count }, (): Entry<Fact>[] => [])
  const ofUser = new Map<string, number>()
  const ofId = new Map<string, number>()
  for (const entry of entries) {
    const part = ofId.get(id(entry.fact)) ?? ofUser.getOrInsertComputed(user(entry.fact), () => ofUser.size % count)
    ofId.set(id(entry.fact), part)
    parts[part]?.push(entry)
  }
  return parts.filter((part) => part.length > 0)
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
