import { existsSync } from 'node:fs'
import { type FileHandle, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { makeDataFolder } from '../data-folder.ts'
import { errors } from '../http/errors.ts'
import { Joi } from '../http/input.ts'
import type { Erasure } from './write-receipt.ts'

/** An erasure as it is kept outside the store, so that it outlives a store that is put back from a backup. */
export type ErasureRecord = Erasure & { organizationId: string }

const FILE = 'erasures.ndjson'
/** What it was while its old lines are left out. */
const ASIDE = `${FILE}.old`
const NEWLINE = 0x0a

/**
 * Appends a line to `erasures.ndjson` in the data folder; it is on the disk when this returns.
 *
 * @throws ApiError 503 where it cannot be written
 */
export async function appendErasure(dataDir: string, record: ErasureRecord): Promise<void> {
  const { organizationId, receiptId, userHash, erasedTimestamp } = record
  try {
    makeDataFolder(dataDir)
    await appendLines(dataDir, [JSON.stringify({ organizationId, receiptId, userHash, erasedTimestamp })])
  } catch (error) {
    throw errors.storeCannotWrite(error)
  }
}

/** Where the file is moved aside meanwhile, whoever does that may not have seen the lines: then once more. */
async function appendLines(dataDir: string, lines: string[]): Promise<void> {
  while (!(await appendOnce(dataDir, lines)));
}

/** @returns whether the file still has its name */
async function appendOnce(dataDir: string, lines: string[]): Promise<boolean> {
  const path = join(dataDir, FILE)
  const file = await open(path, 'a+', 0o600)
  try {
    const { size, ino } = await file.stat()
    // a line that a crash has cut must not spoil the next one
    const isCut = size > 0 && (await file.read(Buffer.alloc(1), 0, 1, size - 1)).buffer[0] !== NEWLINE
    await file.writeFile(`${isCut ? '\n' : ''}${lines.join('\n')}\n`)
    await file.sync()
    if (size === 0) await syncFolder(dataDir)
    // while it is open no other file has its number
    return (await stat(path).catch(() => null))?.ino === ino
  } finally {
    await file.close()
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

/** Also one that is empty. */
export const hasErasuresFile = (dataDir: string): boolean =>
  [FILE, ASIDE].some((name) => existsSync(join(dataDir, name)))

/** @returns each record once, oldest first, and how many lines are none */
export async function readErasuresFile(dataDir: string): Promise<{ records: ErasureRecord[]; cut: number }> {
  // the first may end with a line that a crash has cut
  const { records, cut } = readLines(`${await readText(join(dataDir, ASIDE))}\n${await readText(join(dataDir, FILE))}`)
  return { records: [...new Map(records.map((record) => [record.receiptId, record])).values()], cut }
}

/** The records as the file has them, some of them twice, never more than `size` at once; lines that are none are passed over. */
export async function* readErasureChunks(dataDir: string, size: number): AsyncGenerator<ErasureRecord[]> {
  // both before the first is read: meanwhile one may get the other's name
  const files = await Promise.all([FILE, ASIDE].map((name) => openIfThere(join(dataDir, name))))
  let chunk: ErasureRecord[] = []
  try {
    for (const file of files) {
      for await (const line of file?.readLines() ?? []) {
        const record = parse(line)
        if (record === null) continue
        chunk.push(record)
        if (chunk.length < size) continue
        yield chunk
        chunk = []
      }
    }
    if (chunk.length > 0) yield chunk
  } finally {
    for (const file of files) await file?.close()
  }
}

/**
 * Leaves the records of erasures before a time out of the file. Others append to it meanwhile; they, and a crash in
 * between, may leave some in it twice, and none out. No two may do this at once.
 *
 * @param before epoch ms
 */
export async function forgetErasureRecords(dataDir: string, before: number): Promise<void> {
  const [path, aside] = [join(dataDir, FILE), join(dataDir, ASIDE)]
  const isLeft = (await readText(aside)) !== ''
  if (!isLeft) {
    const { records } = readLines(await readText(path))
    if (!records.some((record) => record.erasedTimestamp < before)) return
    await rename(path, aside)
    await syncFolder(dataDir)
  }
  const { records } = readLines(await readText(aside))
  const kept = records.filter((record) => record.erasedTimestamp >= before).map((record) => JSON.stringify(record))
  if (kept.length > 0) await appendLines(dataDir, kept)
  await rm(aside)
  await syncFolder(dataDir)
}

function readLines(text: string): { records: ErasureRecord[]; cut: number } {
  const lines = text.split('\n').filter((line) => line !== '')
  const records = lines.flatMap((line) => parse(line) ?? [])
  return { records, cut: lines.length - records.length }
}

async function readText(path: string): Promise<string> {
  return (await whereThere(readFile(path, 'utf8'))) ?? ''
}

function openIfThere(path: string): Promise<FileHandle | null> {
  return whereThere(open(path))
}

async function whereThere<T>(found: Promise<T>): Promise<T | null> {
  try {
    return await found
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
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
