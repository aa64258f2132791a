import { isRecord } from '../http/is-record.ts'
import { ImportError, REASON_COLUMN, type Row, SOURCE_KEY } from './row.ts'

const MAX_LINE_CHARACTERS = 1_048_576

/** The rows of a file with one JSON object a line; a byte order mark and empty lines do not matter. */
export async function* readNdjson(source: AsyncIterable<Buffer>): AsyncGenerator<Row> {
  let line = 0
  for await (const text of readLines(source)) {
    line += 1
    if (text.trim() !== '') yield toRow(text, line)
  }
}

/** Split at line feeds alone: other separators may stand inside a JSON text. */
async function* readLines(source: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of source) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > MAX_LINE_CHARACTERS) throw new ImportError('A line is longer than 1 MiB: this is no NDJSON')
    yield* lines
  }
  yield rest + decoder.decode()
}

function toRow(text: string, line: number): Row {
  const source = text.trim()
  const values: Record<string, unknown> = Object.create(null)
  try {
    const parsed: unknown = JSON.parse(source)
    if (!isRecord(parsed)) return { line, values, source, fault: { field: null, reason: 'is no JSON object' } }
    const kept = parsed[SOURCE_KEY]
    // rejected before: as it was, or as it was mended there
    if (REASON_COLUMN in parsed && typeof kept === 'string') return toRow(kept.replaceAll('\n', ' '), line)
    for (const [name, value] of Object.entries(parsed)) {
      if (value !== null && value !== '' && name !== REASON_COLUMN) values[name] = value
    }
    return { line, values, source }
  } catch {
    return { line, values, source, fault: { field: null, reason: 'is no JSON' } }
  }
}
