import type { ParseError } from '@marcbachmann/cel-js'

/** What other languages write, and what a condition does. */
const HABITS = new Map([
  ['and', '&&'],
  ['or', '||'],
  ['not', '!'],
  ['in', 'in'],
  ['&', '&&'],
  ['|', '||'],
  ['=', '=='],
  ['===', '=='],
  ['=>', '>='],
  ['=<', '<='],
  ['<>', '!='],
  ['=!', '!='],
  ['!==', '!='],
  ['“', '"'],
  ['”', '"'],
  ['„', '"'],
  ['‘', "'"],
  ['’', "'"],
])

/** The parser's names of what it asks for. */
const ASKED = new Map([
  ['RPAREN', 'a closing )'],
  ['RBRACKET', 'a closing ]'],
  ['RBRACE', 'a closing }'],
  ['COLON', 'a :'],
  ['IDENTIFIER', 'a name'],
])

export interface Fault {
  sentence: string
  /** where it begins, in UTF-16 units */
  offset: number
}

/** What a person can do about a text that is no CEL; the parser speaks of its tokens. */
export function explainSyntax({ code, summary }: ParseError, source: string, offset: number): Fault {
  const isOfToken = code === 'unexpected_character' || code === 'unexpected_token' || code === 'expected_token'
  if (!isOfToken) return { sentence: summary, offset }
  const asked = ASKED.get(/^Expected (\w+)/.exec(summary)?.[1] ?? '')
  if (summary.endsWith('EOF')) {
    return { sentence: `The rule ends too early${asked === undefined ? '' : `: ${asked} is missing`}`, offset }
  }
  const habit = habitAt(source, offset)
  if (habit) return habit
  return { sentence: asked === undefined ? `Unexpected ${wordAt(source, offset)}` : `Here ${asked} is missing`, offset }
}

export function habitOf(word: string): string | undefined {
  const instead = HABITS.get(word.toLowerCase())
  return instead === undefined || instead === word ? undefined : `Write ${instead} instead of ${word}`
}

/** The parser stops within a wrong operator, or behind a NOT, which it takes for a name. */
function habitAt(source: string, offset: number): Fault | null {
  const before = source.slice(0, offset)
  if (/\bin\s*\([^()]*$/.test(before)) return { sentence: 'A list stands in brackets: ["a", "b"]', offset }
  const start = before.search(/[=<>!&|]*$/)
  const operator = /^[=<>!&|]*/.exec(source.slice(start))?.[0]
  const notAt = before.search(/\bnot\s+$/i)
  const found: [string, number][] = [
    operator ? [operator, start] : [wordAt(source, offset), offset],
    ...(notAt < 0 ? [] : [[wordAt(source, notAt), notAt] as [string, number]]),
  ]
  for (const [word, at] of found) {
    const sentence = habitOf(word)
    if (sentence !== undefined) return { sentence, offset: at }
  }
  return null
}

/** The name or number that begins there, else one character. */
function wordAt(source: string, offset: number): string {
  return /^(?:\w+|.)/su.exec(source.slice(offset))?.[0] ?? ''
}
