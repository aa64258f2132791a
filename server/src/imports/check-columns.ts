import { isPropertyKey } from '../users/property-key.ts'
import type { ImportKind } from './kind.ts'
import { ImportError } from './row.ts'

/** What the Audience API calls a column's field. */
const OTHER_NAMES = new Map([['userid', 'cuid']])

/**
 * Looks at the columns of a CSV file before any of its rows.
 *
 * @throws ImportError where one is missing or not known: a sentence that names what was probably meant
 */
export function checkColumns<Fact>(kind: ImportKind<Fact>, columns: string[]): void {
  const { columns: known, required, takesProperties } = kind
  const missing = required.filter((name) => !columns.includes(name))
  const unknown = columns.filter((name) => !known.includes(name))
  if (missing.length > 0) fail(kind, missing, 'missing', hintFor(unknown, missing))
  if (!takesProperties && unknown.length > 0) {
    const free = known.filter((name) => !columns.includes(name))
    fail(kind, unknown, 'not known', hintFor(unknown, free))
  }
  // a column without a name has no cells, or each of them is refused
  const long = unknown.find((name) => name !== '' && !isPropertyKey(name))
  if (long !== undefined)
    throw new ImportError(`The column ${long.slice(0, 40)}… is no property key: at most 255 bytes`)
}

function fail<Fact>(kind: ImportKind<Fact>, names: readonly string[], what: string, hint: string): never {
  const subject = names.length === 1 ? 'The column' : 'The columns'
  const verb = names.length === 1 ? 'is' : 'are'
  throw new ImportError(`${subject} ${names.join(', ')} ${verb} ${what}${hint}; ${rule(kind)}`)
}

function rule<Fact>({ columns, required, takesProperties }: ImportKind<Fact>): string {
  if (takesProperties) return `only ${required.join(', ')} is required, and any further column is a property`
  const optional = columns.filter((name) => !required.includes(name))
  const others = optional.length === 0 ? '' : `, and as you like ${optional.join(', ')}`
  return `the first line must name the columns ${required.join(', ')}${others}`
}

/** ` (did you mean cuid by userId?)` for each name of the file that is almost one of `wanted`. */
function hintFor(given: readonly string[], wanted: readonly string[]): string {
  const hints = given.flatMap((name) => {
    const meant = wanted.find((one) => plain(one) === plain(name) || OTHER_NAMES.get(plain(name)) === one)
    return meant === undefined ? [] : [`${meant} by ${name}`]
  })
  return hints.length === 0 ? '' : ` (did you mean ${hints.join(', ')}?)`
}

/** `Purchase ID`, `purchase_id` and `purchaseId` are one name to a person. */
function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[\s_-]/g, '')
}
