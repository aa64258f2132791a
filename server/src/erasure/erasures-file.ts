import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeDataFolder } from '../data-folder.ts'
import { errors } from '../http/errors.ts'
import { Joi } from '../http/input.ts'
import type { Erasure } from './erase-user.ts'

/** An erasure as it is kept outside the store, so that it outlives a store that is put back from a backup. */
export type ErasureRecord = Erasure & { organizationId: string }

const FILE = 'erasures.ndjson'
const NEWLINE = 0x0a

/**
 * Appends a line to `erasures.ndjson` in the data folder; it is on the disk when this returns.
 *
 * @throws ApiError 503 where it cannot be written
 */
export async function appendErasure(
  dataDir: string,
  { organizationId, receiptId, userHash, erasedTimestamp }: ErasureRecord,
): Promise<void> {
  try {
    makeDataFolder(dataDir)
    const file = await open(join(dataDir, FILE), 'a+', 0o600)
    try {
      const { size } = await file.stat()
      const line = JSON.stringify({ organizationId, receiptId, userHash, erasedTimestamp })
      // a line that a crash has cut must not spoil the next one
      const isCut = size > 0 && (await file.read(Buffer.alloc(1), 0, 1, size - 1)).buffer[0] !== NEWLINE
      await file.writeFile(`${isCut ? '\n' : ''}${line}\n`)
      await file.sync()
      if (size === 0) await syncFolder(dataDir)
    } finally {
      await file.close()
    }
  } catch (error) {
    throw errors.storeCannotWrite(error)
  }
}

/** A new file's name is on the disk when its folder is. */
async function syncFolder(path: string): Promise<void> {
  // Windows opens no folders
  if (process.platform === 'win32') return
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

const RECORD = Joi.object<ErasureRecord, true>({
  organizationId: Joi.text().required(),
  receiptId: Joi.text().required(),
  userHash: Joi.text().required(),
  erasedTimestamp: Joi.timestamp().required(),
})

/** @returns the records, oldest first, and how many lines are none */
export async function readErasuresFile(dataDir: string): Promise<{ records: ErasureRecord[]; cut: number }> {
  const lines = (await readText(join(dataDir, FILE))).split('\n').filter((line) => line !== '')
  const records = lines.flatMap((line) => parse(line) ?? [])
  return { records, cut: lines.length - records.length }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
    throw error
  }
}

function parse(line: string): ErasureRecord | null {
  try {
    const { value, error } = RECORD.validate(JSON.parse(line))
    return error ? null : value
  } catch {
    return null
  }
}
