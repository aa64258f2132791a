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

/** A row's values in the columns' order; null is undefined. */
type Values = (string | undefined)[]

/** @see contract, "Exports" */
export const FORMATS: Record<ExportFormat, Format> = {
  csv: {
    extension: 'csv',
    mediaType: CSV_TYPE,
    head: `${COLUMNS.join(',')}\r\n`,
    line: ({ row }) => `${cellsOf(valuesOf(row), (ms) => ms)}\r\n`,
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
      const values = valuesOf(row)
      const lastUserMessage = values[LAST_USER_MESSAGE]
      const closes = lastUserMessage === undefined ? null : messagingWindowClosesAt(Number(lastUserMessage))
      return `${cellsOf(values, isoTime)},${rank},${formatMicros(-BigInt(negatedLtvMicros))},${closes === null ? '' : isoTime(closes)}\r\n`
    },
  },
}

const LAST_USER_MESSAGE = COLUMNS.indexOf('lastUserMessageTimestamp')
const isTime = (column: string) => column.endsWith('Timestamp')
/** A row whose texts have no escapes. */
const PLAIN_ROW = new RegExp(
  `^\\{${COLUMNS.map((column) => `"${column}":(?:null|${isTime(column) ? '(-?\\d+)' : '"([^"\\\\]*)"'})`).join(',')}\\}$`,
)

/** JSON.parse keeps each short text until the next full garbage collection: a long list's fill the memory. */
function valuesOf(row: string): Values {
  const plain = PLAIN_ROW.exec(row)
  if (plain) return plain.slice(1)
  const facts = JSON.parse(row)
  return COLUMNS.map((column) => (facts[column] === null ? undefined : String(facts[column])))
}

function cellsOf(values: Values, ofTime: (ms: string) => string): string {
  let cells = ''
  for (const [index, column] of COLUMNS.entries()) {
    const value = values[index]
    if (index > 0) cells += ','
    if (value === undefined) continue
    if (isTime(column)) cells += ofTime(value)
    // a date by construction, which may begin with a hyphen
    else cells += column === 'birthday' ? value : cell(value)
  }
  return cells
}

/** The greatest time that a `Date` holds; what is later stays a number. */
const LAST_TIME_MS = 8.64e15

function isoTime(ms: string | number): string {
  return Math.abs(Number(ms)) <= LAST_TIME_MS ? new Date(Number(ms)).toISOString() : String(ms)
}

const FORMULA = /^[=+\-@\t\r]/

/** A spreadsheet would run what begins like a formula. */
function cell(text: string): string {
  return csvCell(FORMULA.test(text) ? `'${text}` : text)
}
