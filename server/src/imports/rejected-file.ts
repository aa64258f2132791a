import { once } from 'node:events'
import { createWriteStream, type WriteStream } from 'node:fs'
import { csvLine } from './read-csv.ts'
import { REASON_COLUMN, type Row, type RowFault } from './row.ts'
import type { Format } from './source.ts'

/** So many rows are told one by one; the file has them all. */
const MAX_TOLD = 20

/**
 * Keeps the rows that an import refused in a file that can be imported again when it is mended, each with the reason.
 * The file is made with the first of them.
 */
export function createRejects(path: string, format: Format, tell: (sentence: string) => void) {
  let file: WriteStream | undefined
  let columns: string[] = []
  let count = 0

  function open(): WriteStream {
    const opened = createWriteStream(path, { mode: 0o600 })
    if (format === 'csv') opened.write(`${csvLine([...columns, REASON_COLUMN])}\n`)
    return opened
  }

  return {
    count: () => count,
    setColumns(names: string[]) {
      columns = names
    },
    add(row: Row, { field, reason }: RowFault): void {
      count += 1
      if (count <= MAX_TOLD) tell(`line ${row.line}: ${field ?? 'the row'} ${reason}`)
      if (count === MAX_TOLD + 1) tell(`… more rows are rejected; all of them are in ${path}`)
      file ??= open()
      file.write(`${lineOf(row, columns, `${field ?? 'the row'} ${reason}`)}\n`)
    },
    /** @throws the system's error where the file could not be written */
    async close(): Promise<void> {
      if (!file) return
      file.end()
      if (!file.closed) await once(file, 'close')
    },
  }
}

function lineOf({ source, values }: Row, columns: string[], reason: string): string {
  if (typeof source === 'string') {
    if (!source.endsWith('}') || Object.keys(values).length === 0) return source
    return `${source.slice(0, -1)},${JSON.stringify(REASON_COLUMN)}:${JSON.stringify(reason)}}`
  }
  // the columns are without an older reason's; a row with too many cells keeps them
  return csvLine([...source, ...Array(Math.max(0, columns.length - source.length)).fill(''), reason])
}
