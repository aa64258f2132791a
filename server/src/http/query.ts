import { MALFORMED, MALFORMED_KEY } from './input.ts'

type QueryValue = string | typeof MALFORMED
/** A query's parameters; without a prototype, so that no name is special. */
export type Query = Record<string, QueryValue | QueryValue[]>

const NON_ASCII = /[^\0-\x7f]/

/**
 * A query string's parameters, decoded strictly; it never throws. `+` is a blank, a parameter given twice is an array,
 * a value that is no UTF-8 is `MALFORMED`, and so is the name of one (`MALFORMED_KEY`): the schema of the query answers.
 *
 * @param text  without its `?`, as it came; bytes outside ASCII have no place in an address
 * @see contract, "Errors" (Texts)
 */
export function parseQuery(text: string): Query {
  const query: Query = Object.create(null)
  if (text === '') return query
  for (const part of text.split('&')) {
    if (part === '') continue
    const equals = part.indexOf('=')
    const name = decode(equals < 0 ? part : part.slice(0, equals))
    add(query, name === MALFORMED ? MALFORMED_KEY : name, equals < 0 ? '' : decode(part.slice(equals + 1)))
  }
  return query
}

function add(query: Query, name: string, value: QueryValue): void {
  const given = query[name]
  if (given === undefined) query[name] = value
  else if (Array.isArray(given)) given.push(value)
  else query[name] = [given, value]
}

function decode(text: string): QueryValue {
  if (NON_ASCII.test(text)) return MALFORMED
  try {
    const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text
    return spaced.includes('%') ? decodeURIComponent(spaced) : spaced
  } catch {
    return MALFORMED
  }
}
