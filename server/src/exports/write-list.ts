import type { Store } from '../database/store.ts'
import { requireList } from '../vip-users/list.ts'
import { readGate } from '../vip-users/read-gate.ts'
import { createSettledReader } from '../vip-users/read-settled.ts'
import { type ExportFormat, FORMATS } from './formats.ts'
import { type ExportQuestion, readParts } from './read-rows.ts'

export interface WriteOptions {
  format: ExportFormat
  /** where the bytes go, one piece after the other: a piece's memory is the next one's */
  write: (piece: Buffer) => Promise<unknown>
  /** stops it between two pieces */
  signal?: AbortSignal
  /** after each piece */
  onProgress?: (rows: number, total: number) => void
}

/** Some hundred rows: made in 2 ms, so that requests get their turn in between, and memory does not grow with the list. */
const PIECE_BYTES = 64 * 1024
/** What a character of a text takes at most as UTF-8. */
const MAX_CHARACTER_BYTES = 3

/**
 * Writes a list as it is at one moment, however long that takes and whatever changes meanwhile. Whoever is due by then
 * is judged anew first.
 *
 * @returns how many rows were written
 * @throws ApiError 404, 400 as the list does; what `write` throws
 * @see contract, "Exports"
 */
export async function writeList(
  store: Pick<Store, 'readList' | 'snapshot' | 'write'>,
  question: ExportQuestion,
  { format, write, signal, onProgress = () => undefined }: WriteOptions,
): Promise<number> {
  const total = await countRows(store, question)
  const { head, line } = FORMATS[format]
  const { orgId, months } = question
  return await store.snapshot(async (db) => {
    const gate = requireList(await readGate(db, question))
    // a text of all its rows would stay in memory until the next full garbage collection
    const piece = Buffer.allocUnsafe(PIECE_BYTES)
    let [rows, rank, length] = [0, 0, piece.write(head)]
    const flush = async () => {
      signal?.throwIfAborted()
      await write(piece.subarray(0, length))
      length = 0
      onProgress(rows, total)
    }
    for await (const part of readParts(db, orgId, gate, format === 'excel' || months !== null)) {
      for (const { row, birthday_month: month = null, negated_ltv: negatedLtvMicros = '0' } of part) {
        // those that are not asked for count too: the rank is that in the whole list
        rank += 1
        if (months !== null && (months === 'any' ? month === null : month !== months)) continue
        const text = line({ row, rank, negatedLtvMicros })
        const room = text.length * MAX_CHARACTER_BYTES
        if (length + room > PIECE_BYTES) await flush()
        if (room <= PIECE_BYTES) length += piece.write(text, length)
        else await write(Buffer.from(text))
        rows += 1
      }
    }
    await flush()
    return rows
  })
}

/**
 * How many rows a list has now. Whoever is due by then is judged anew first.
 *
 * @throws ApiError 404, 400 as the list does
 */
export async function countRows(store: Pick<Store, 'readList' | 'write'>, question: ExportQuestion): Promise<number> {
  const asked = await createSettledReader(store)({ ...question, limit: 1, offset: 0 }, Date.now())
  return requireList(asked).total
}
