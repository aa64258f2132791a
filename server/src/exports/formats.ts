import { csvCell } from '../imports/read-csv.ts'
import { formatMicros } from '../users/money.ts'
import { messagingWindowClosesAt } from '../vip-users/messaging-window.ts'

/** What an export may be: CSV for databases, NDJSON for programs, CSV as spreadsheets read it best. */
export type ExportFormat = 'csv' | 'ndjson' | 'excel'

/** A list row as it is exported. */
export interface ExportedRow {
  /** its JSON, as `GET /vip-users` sends it */
  row: string
  /** 1-based, in the whole list */
  rank: number
  negatedLtvMicros: string
}

interface Format {
  extension: 'csv' | 'ndjson'
  mediaType: string
  /** what the file begins with */
  head: string
  line: (row: ExportedRow) => string
}

/** The columns of `GET /vip-users`, in the contract's order. */
const COLUMNS = [
  'conversationId',
  'userName',
  'firstName',
  'lastName',
  'cuid',
  'profilePic',
  'birthday',
  'lastPurchaseTimestamp',
  'lastUserMessageTimestamp',
  'lastAppOpenTimestamp',
] as const
const EXCEL_COLUMNS = ['rank', 'ltv', 'messagingWindowClosesAt'] as const
const CSV_TYPE = 'text/csv; charset=utf-8'
const BYTE_ORDER_MARK = '\ufeff'

type JsonRow = { [column in (typeof COLUMNS)[number]]: string | number | null }

/** @see contract, "Exports" */
export const FORMATS: Record<ExportFormat, Format> = {
  csv: {
    extension: 'csv',
    mediaType: CSV_TYPE,
    head: `${COLUMNS.join(',')}\r\n`,
    line: ({ row }) => `${cellsOf(JSON.parse(row), String)}\r\n`,
  },
  ndjson: {
    extension: 'ndjson',
    mediaType: 'application/x-ndjson; charset=utf-8',
    head: '',
    line: ({ row }) => `${row}\n`,
  },
  excel: {
    extension: 'csv',
    mediaType: CSV_TYPE,
    head: `${BYTE_ORDER_MARK}${[...COLUMNS, ...EXCEL_COLUMNS].join(',')}\r\n`,
    line: ({ row, rank, negatedLtvMicros }) => {
      const facts: JsonRow = JSON.parse(row)
      const closes = messagingWindowClosesAt(facts.lastUserMessageTimestamp as number | null)
      return `${cellsOf(facts, isoTime)},${rank},${formatMicros(-BigInt(negatedLtvMicros))},${closes === null ? '' : isoTime(closes)}\r\n`
    },
  },
}

function cellsOf(row: JsonRow, ofTime: (ms: number) => string): string {
  let cells = ''
  for (const column of COLUMNS) {
    const value = row[column]
    if (column !== COLUMNS[0]) cells += ','
    if (typeof value === 'number') cells += ofTime(value)
    // a date by construction, which may begin with a hyphen
    else if (value !== null) cells += column === 'birthday' ? value : cell(value)
  }
  return cells
}

/** The greatest time that a `Date` holds; what is later stays a number. */
const LAST_TIME_MS = 8.64e15

function isoTime(ms: number): string {
  return Math.abs(ms) <= LAST_TIME_MS ? new Date(ms).toISOString() : String(ms)
}

const FORMULA = /^[=+\-@\t\r]/

/** A spreadsheet would run what begins like a formula. */
function cell(text: string): string {
  return csvCell(FORMULA.test(text) ? `'${text}` : text)
}
