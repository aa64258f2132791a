import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { ImportError } from './row.ts'

export type Format = 'csv' | 'ndjson'

/** A file that is imported, or standard input. */
export interface Source {
  chunks: AsyncIterable<Buffer>
  format: Format
  /** bytes; null where nobody knows */
  size: number | null
  bytesRead: () => number
  /** epoch ms: when the file was changed; now for standard input */
  changedTimestamp: number
  rejectedPath: string
}

const CHUNK_BYTES = 262_144

/**
 * @param file a path, or `-` for standard input
 * @param format else by the name (`.csv`, `.ndjson`, `.jsonl`), else by the first character that is no blank
 * @throws ImportError where there is no such file, it cannot be read, or it is one JSON array
 */
export async function openSource(file: string, format: Format | undefined, now: number): Promise<Source> {
  const isInput = file === '-'
  const { size, changedTimestamp } = isInput ? { size: null, changedTimestamp: now } : await look(file)
  let bytes = 0
  async function* counted(): AsyncGenerator<Buffer> {
    for await (const chunk of isInput ? process.stdin : createReadStream(file, { highWaterMark: CHUNK_BYTES })) {
      bytes += chunk.length
      yield chunk
    }
  }
  const opened = await peek(counted(), format ?? (isInput ? undefined : formatOf(file)))
  return {
    ...opened,
    size,
    bytesRead: () => bytes,
    // a clock that is ahead must not make facts that nothing later can replace
    changedTimestamp: Math.min(changedTimestamp, now),
    rejectedPath: isInput ? 'import.rejected' : `${file}.rejected`,
  }
}

async function look(file: string): Promise<{ size: number | null; changedTimestamp: number }> {
  try {
    const found = await stat(file)
    if (found.isDirectory()) throw new Error('it is a folder')
    return { size: found.isFile() ? found.size : null, changedTimestamp: Math.floor(found.mtimeMs) }
  } catch (error) {
    const reason =
      error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'there is no such file' : error
    throw new ImportError(`Cannot read ${basename(file)}: ${reason instanceof Error ? reason.message : reason}`)
  }
}

function formatOf(file: string): Format | undefined {
  const name = file.toLowerCase().replace(/\.rejected$/, '')
  if (name.endsWith('.csv')) return 'csv'
  return name.endsWith('.ndjson') || name.endsWith('.jsonl') ? 'ndjson' : undefined
}

/** How an array of objects begins, written in one line or in many. */
const JSON_ARRAY = /^\[\s*(?:[{\]]|$)/

async function peek(
  chunks: AsyncGenerator<Buffer>,
  known: Format | undefined,
): Promise<{ format: Format; chunks: AsyncIterable<Buffer> }> {
  const seen: Buffer[] = []
  let format = known ?? 'csv'
  for (let next = await chunks.next(); !next.done; next = await chunks.next()) {
    seen.push(next.value)
    // trim takes the byte order mark too
    const text = next.value.toString('utf8').trim()
    if (text === '') continue
    if (JSON_ARRAY.test(text)) {
      await chunks.return(undefined)
      throw new ImportError('This is a JSON array: one object a line is needed (NDJSON)')
    }
    format = known ?? (text.startsWith('{') ? 'ndjson' : 'csv')
    break
  }
  async function* all(): AsyncGenerator<Buffer> {
    yield* seen
    yield* chunks
  }
  return { format, chunks: all() }
}
