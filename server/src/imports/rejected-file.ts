import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { csvLine } from './read-csv.ts'
import { ImportError, REASON_COLUMN, type Row, type RowFault, SOURCE_KEY } from './row.ts'
import type { Format } from './source.ts'

/** Anew, and never through a link that somebody has laid there; Windows knows no such flag. */
const OWN_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | (constants.O_NOFOLLOW ?? 0)

/** So many rows are told one by one; the file has them all. */
const MAX_TOLD = 20

/**
 * Keeps the rows that an import refused in a file that can be imported again when it is mended, each with the reason.
 * The file is made with the first of them.
 */
export function createRejects(path: string, format: Format, tell: (sentence: string) => void) {
  let file: number | undefined
  let columns: string[] = []
  let count = 0

  function open(): number {
    const opened = openSync(path, OWN_FILE, 0o600)
    if (format === 'csv') writeSync(opened, `${csvLine([...columns, REASON_COLUMN])}\n`)
    return opened
  }

  return {
    count: () => count,
    setColumns(names: string[]) {
      columns = names
    },
    /** @throws ImportError where the file cannot be written: a row that is told nowhere would be lost */
    add(row: Row, { field, reason }: RowFault): void {
      count += 1
      const sentence = `line ${row.line}: ${field ?? 'the row'} ${reason}`
      if (count <= MAX_TOLD) tell(sentence)
      if (count === MAX_TOLD + 1) tell(`… more rows are rejected; all of them are in ${path}`)
      try {
        file ??= open()
        writeSync(file, `${lineOf(row, columns, sentence)}\n`)
      } catch (error) {
        const fault = error instanceof Error ? error.message : String(error)
        throw new ImportError(`The rejected rows cannot be kept in ${path} (${fault}): make room for that file`)
      }
    },
    close(): void {
      if (file !== undefined) closeSync(file)
    },
  }
}

function lineOf({ source, fault }: Row, columns: string[], reason: string): string {
  if (typeof source !== 'string') {
    // the columns are without an older reason's; a row with too many cells keeps them
    return csvLine([...source, ...Array(Math.max(0, columns.length - source.length)).fill(''), reason])
  }
  if (fault) return JSON.stringify({ [REASON_COLUMN]: reason, [SOURCE_KEY]: source })
  // not made anew from its values, which would change numbers
  const fields = source.slice(1, -1).replace(OLDER_REASON, '')
  return `{${fields}${fields.trim() === '' ? '' : ','}${JSON.stringify(REASON_COLUMN)}:${JSON.stringify(reason)}}`
}

/** As it is written above, at the end of an object's fields. */
const OLDER_REASON = /(?:^|,)"#reason":"(?:[^"\\]|\\.)*"$/
