import { rmSync } from 'node:fs'
import { type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises'
import { constants } from 'node:os'
import { counted } from '../counted.ts'
import type { ExportFormat } from '../exports/formats.ts'
import { writeFile } from '../exports/write-file.ts'
import { writeList } from '../exports/write-list.ts'
import { ApiError } from '../http/errors.ts'
import { partPathOf } from '../part-path.ts'
import { CommandError, cannotWrite } from './command-error.ts'
import { findWorkspace } from './find.ts'
import { type CommonOptions, print, printJson, say } from './output.ts'
import { showProgress } from './progress.ts'
import { withStore } from './with-store.ts'

/** Writes the pieces. @returns how many rows they have */
type Use = (write: (piece: Buffer) => Promise<unknown>) => Promise<number>

interface Options extends CommonOptions {
  workspace: string
  channel: string
  format: ExportFormat
  hasBirthday?: true
  birthdayMonth?: number
}

/** Writes a list to a file, whole or not at all, or to standard output. */
export async function run(file: string, options: Options): Promise<void> {
  const { workspace: workspaceId, channel: mediumId, format, hasBirthday, birthdayMonth, json } = options
  if (json && !(await isFileToBe(file))) throw new CommandError('With --json the list goes to a FILE', 2)
  await withStore(async (store) => {
    const { orgId } = await findWorkspace(store, workspaceId)
    const months = birthdayMonth ?? (hasBirthday ? 'any' : null)
    let progress: ReturnType<typeof showProgress> | undefined
    const exportTo = async (write: (piece: Buffer) => Promise<unknown>) => {
      const rows = await writeList(
        store,
        { orgId, workspaceId, mediumId, months },
        {
          format,
          write,
          onProgress(done, total) {
            progress ??= showProgress('Exporting', total)
            progress.update(done, `${done} rows`)
          },
        },
      )
      progress?.stop()
      return rows
    }
    try {
      const rows = await (file === '-' ? exportTo(print) : toFile(file, exportTo))
      if (json) printJson({ file, rows })
      else say(counted(rows, 'row'))
    } catch (error) {
      throw error instanceof ApiError ? new CommandError(error.message) : error
    }
  })
}

/** Into a pipe or a device, which standard output may be, the rows go without anything beside them. */
async function isFileToBe(path: string): Promise<boolean> {
  if (path === '-') return false
  const found = await stat(path).catch(() => null)
  return found === null || found.isFile() || found.isDirectory()
}

/** A file under another name until it is complete; whoever stops it leaves nothing there. A pipe or a device as it comes. */
async function toFile(given: string, use: Use): Promise<number> {
  try {
    const found = await stat(given).catch(() => null)
    if (found?.isDirectory()) throw new Error('it is a folder')
    if (found && !found.isFile()) return await toOpened(await open(given, 'w'), use)
    // what a link leads to, and not the link
    const path = found ? await realpath(given) : given
    const part = partPathOf(path)
    whenStopped(() => rmSync(part, { force: true }))
    try {
      const rows = await writeFile(part, use)
      await rename(part, path)
      return rows
    } catch (error) {
      await rm(part, { force: true })
      throw error
    }
  } catch (error) {
    if (error instanceof ApiError) throw error
    throw cannotWrite(given, error)
  }
}

async function toOpened(file: FileHandle, use: Use): Promise<number> {
  try {
    return await use((piece) => file.appendFile(piece))
  } finally {
    await file.close()
  }
}

function whenStopped(clear: () => void): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      clear()
      process.exit(128 + constants.signals[signal])
    })
  }
}
