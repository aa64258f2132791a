/**
 * A `vipIndicator` that is refused when it is set.
 *
 * The message is one sentence and ends with the place. Lines and columns count from 1; a column is a character
 * (code point), not a UTF-16 unit.
 */
export class VipIndicatorError extends Error {
  override name = 'VipIndicatorError'
  line: number
  column: number

  /** @param offset where the fault begins in `source`, in UTF-16 units */
  constructor(sentence: string, source: string, offset: number) {
    const linesBefore = source.slice(0, offset).split(/\r\n|\r|\n/)
    const line = linesBefore.length
    const column = [...(linesBefore.at(-1) ?? '')].length + 1
    super(`${sentence} (line ${line}, column ${column})`)
    this.line = line
    this.column = column
  }
}
