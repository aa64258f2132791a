import { Readable } from 'node:stream'
import { CsvError, parse } from 'csv-parse'
import { counted } from '../counted.ts'
import { ImportError, REASON_COLUMN, type Row } from './row.ts'

/** A record that is longer has an opening quote that nobody closed, and would take the rest of the file with it. */
const MAX_RECORD_CHARACTERS = 1_048_576

/** A user has at most 500 properties, and a row some columns besides. */
const MAX_COLUMNS = 520

const FAULTS: Partial<Record<CsvError['code'], string>> = {
  CSV_QUOTE_NOT_CLOSED: 'a quote is opened and never closed',
  CSV_MAX_RECORD_SIZE: 'a row has more than 1 MiB, so that its quote may never be closed',
}

/** What spreadsheets write where the comma is the decimal's. */
const SEPARATORS = [
  [';', 'semicolons'],
  ['\t', 'tabs'],
] as const

interface ParsedRecord {
  record: string[]
  /** `lines`: how many have been read when the record has ended */
  info: { lines: number }
}

/**
 * The rows of a CSV file with a header (RFC 4180; a byte order mark and empty lines do not matter).
 *
 * @param checkHeader throws where these columns cannot be imported
 * @throws ImportError where a quote is opened and never closed
 */
export async function* readCsv(
  source: AsyncIterable<Buffer>,
  checkHeader: (columns: string[]) => void,
): AsyncGenerator<Row> {
  const parser = Readable.from(source, { objectMode: false }).pipe(
    parse({
      bom: true,
      info: true,
      record_delimiter: ['\r\n', '\n'],
      relax_column_count: true,
      relax_quotes: true,
      skip_empty_lines: true,
      max_record_size: MAX_RECORD_CHARACTERS,
    }),
  )
  let columns: string[] | undefined
  let lastLine = 0
  try {
    for await (const { record, info } of parser as AsyncIterable<ParsedRecord>) {
      lastLine = info.lines
      if (columns) yield toRow(columns, record, info.lines)
      else {
        columns = record
        refuseBadNames(columns)
        checkHeader(columns.filter((name) => name !== REASON_COLUMN))
      }
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    // the parser tells where it gave up, which is far behind the quote that nobody closed
    throw new ImportError(`From line ${lastLine + 1} on this is no CSV: ${FAULTS[error.code] ?? error.message}`)
  }
  if (!columns) throw new ImportError('The file is empty: its first line must name the columns')
}

function refuseBadNames(columns: string[]): void {
  const [only = '', ...others] = columns
  const separator = SEPARATORS.find(([character]) => only.includes(character))
  if (separator && others.length === 0)
    throw new ImportError(`The cells of the first line are separated by ${separator[1]}: commas are needed`)
  if (columns.length > MAX_COLUMNS)
    throw new ImportError(`The first line names ${columns.length} columns: ${MAX_COLUMNS} at most`)
  if (columns.includes('')) throw new ImportError(`Column ${columns.indexOf('') + 1} has no name in the first line`)
  const odd = columns.find((name) => /[\r\n\uFFFD]/.test(name))
  if (odd !== undefined) throw new ImportError('The first line is no UTF-8 text that ends with LF or CRLF')
  const twice = columns.find((name, index) => columns.indexOf(name) !== index)
  if (twice !== undefined) throw new ImportError(`The column ${twice} is there twice`)
}

function toRow(columns: string[], record: string[], lastLine: number): Row {
  const values: Record<string, unknown> = Object.create(null)
  let lineBreaks = 0
  for (let index = 0; index < columns.length; index++) {
    const cell = record[index]
    const name = columns[index]
    if (cell === undefined || cell === '' || name === undefined || name === REASON_COLUMN) continue
    values[name] = cell
    if (cell.includes('\n')) lineBreaks += cell.split('\n').length - 1
  }
  const reason = columns.indexOf(REASON_COLUMN)
  const source = reason < 0 ? record : record.toSpliced(reason, 1)
  const row: Row = { line: lastLine - lineBreaks, values, source }
  // the cell of #reason may be left away
  const least = columns.at(-1) === REASON_COLUMN ? columns.length - 1 : columns.length
  if (record.length >= least && record.length <= columns.length) return row
  return {
    ...row,
    fault: { field: null, reason: `has ${counted(record.length, 'cell')}, the first line has ${columns.length}` },
  }
}

const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/

/**
 * A cell that is a JSON number, `true` or `false` has that type. An integer past 2^53, which a number would change, and
 * what is no finite number stay text.
 */
export function typedCell(cell: string): string | number | boolean {
  if (cell === 'true') return true
  if (cell === 'false') return false
  if (!JSON_NUMBER.test(cell)) return cell
  const number = Number(cell)
  return Number.isInteger(number)
    ? Number.isSafeInteger(number)
      ? number
      : cell
    : Number.isFinite(number)
      ? number
      : cell
}

/** A row as RFC 4180 has it, without its line break. */
export function csvLine(cells: readonly string[]): string {
  return cells.map(csvCell).join(',')
}

export function csvCell(text: string): string {
  return TO_QUOTE.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

const TO_QUOTE = /[",\r\n]/
