/** One row of a file: what it says, and what is needed to tell about it. */
export interface Row {
  /** where it begins, 1-based */
  line: number
  /** by column; what is empty or null is left out */
  values: Record<string, unknown>
  /** as it stood in the file: a CSV row's cells, a line of NDJSON */
  source: string[] | string
  /** why it is no row at all */
  fault?: RowFault
}

export interface RowFault {
  /** the column; null where it is the whole row */
  field: string | null
  reason: string
}

/** The column under which rejected rows carry why they were; a file that has it is read without it. */
export const REASON_COLUMN = '#reason'

/** Beside the reason: a rejected line that is no JSON object, as a text. */
export const SOURCE_KEY = '#source'

/** The file as a whole cannot be imported, or not from here on: a sentence. */
export class ImportError extends Error {}
