import type BaseJoi from 'joi'
import type { Store } from '../database/store.ts'
import type { Row, RowFault } from './row.ts'

export type Outcome = 'imported' | 'unchanged' | RowFault

/** What one kind of file is made of, and how its rows become facts. */
export interface ImportKind<Fact> {
  columns: readonly string[]
  required: readonly string[]
  /** whether a column that is not named above is allowed, as a property */
  takesProperties: boolean
  parse: (row: Row) => Fact | RowFault
  /** where its rows need no order but those of one id */
  partBy?: PartBy<Fact>
  /** all in one transaction */
  write: (store: Store, facts: Fact[]) => Promise<Outcome[]>
  /** what the last lines say beside the counts */
  notes: () => string[]
}

/** What a kind is made with. */
export interface KindOptions {
  orgId: number
  /** epoch ms: when rows without a time of their own were so */
  eventTimestamp: number
  /** epoch ms: a later time is refused */
  lastTimestamp: number
  /** CSV, whose cells have no types */
  isText: boolean
}

export interface PartBy<Fact> {
  id: (fact: Fact) => string
  /** who is locked while it is written */
  user: (fact: Fact) => string
}

export function isFault(value: object): value is RowFault {
  return 'reason' in value && 'field' in value
}

const EXAMPLE = 'such as 2026-05-30T13:00:00Z'

/** What the API says of JSON, as who looks at a file needs it. */
export const MESSAGES = {
  'revenue.base': 'must be an amount such as 49.99',
  'string.uriCustomScheme': 'must be an http or https address',
  'timestamp.base': `must be epoch milliseconds or ISO-8601 ${EXAMPLE}`,
  'timestamp.range': `is out of range; use epoch milliseconds or ISO-8601 ${EXAMPLE}`,
  'timestamp.seconds': `looks like seconds; use epoch milliseconds or ISO-8601 ${EXAMPLE}`,
}

/**
 * What the API's own schema makes of a row.
 *
 * @returns `fault`: the first thing that is wrong
 */
export function check<T>(schema: BaseJoi.AnySchema<T>, row: unknown): { value: T } | { fault: RowFault } {
  // the name of the field is told beside the sentence
  const { value, error } = schema.validate(row, { errors: { label: false } })
  if (!error) return { value }
  const [first] = error.details
  return { fault: { field: first?.path.join('.') || null, reason: (first?.message ?? error.message).trim() } }
}

/** What a decoder leaves where bytes were no UTF-8. */
const REPLACEMENT = '\uFFFD'

export function findUndecodable(values: Record<string, unknown>): RowFault | null {
  for (const name in values) {
    const value = values[name]
    if (typeof value === 'string' && value.includes(REPLACEMENT)) return { field: name, reason: 'is not UTF-8' }
  }
  return null
}
