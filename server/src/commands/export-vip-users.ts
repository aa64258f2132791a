import { rmSync } from 'node:fs'
import { type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises'
import { constants } from 'node:os'
import type { ExportFormat } from '../exports/formats.ts'
import { writeFile } from '../exports/write-file.ts'
import { writeList } from '../exports/write-list.ts'
import { ApiError } from '../http/errors.ts'
import { partPathOf } from '../part-path.ts'
import { CommandError } from './command-error.ts'
import { findWorkspace } from './find.ts'
import { type CommonOptions, print, printJson, say } from './output.ts'
import { showProgress } from './progress.ts'
import { withStore } from './with-store.ts'

interface Options extends CommonOptions {
  workspace: string
  channel: string
  format: ExportFormat
  hasBirthday?: true
  birthdayMonth?: number
}

/** Writes a list to a file, whole or not at all, or to standard output. */
export async function run(file: string, options: Options): Promise<void> {
  await withStore(async (store) => {
    const { workspace: workspaceId, channel: mediumId, format, hasBirthday, birthdayMonth, json } = options
    if (json && file === '-') throw new CommandError('With --json the list goes to a FILE', 2)
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
      if (json) printJson({ file, rows })
      else say(`${rows} rows`)
    }
    try {
      await (file === '-' ? exportTo(print) : toFile(file, exportTo))
    } catch (error) {
      throw error instanceof ApiError ? new CommandError(error.message) : error
    }
  })
}

/** A file under another name until it is complete; whoever stops it leaves nothing there. A pipe or a device as it comes. */
async function toFile(
  given: string,
  use: (write: (piece: Buffer) => Promise<unknown>) => Promise<void>,
): Promise<void> {
  try {
    const found = await stat(given).catch(() => null)
    if (found?.isDirectory()) throw new Error('it is a folder')
    if (found && !found.isFile()) {
      await toOpened(await open(given, 'w'), use)
      return
    }
    // what a link leads to, and not the link
    const path = found ? await realpath(given) : given
    const part = partPathOf(path)
    whenStopped(() => rmSync(part, { force: true }))
    try {
      await writeFile(part, use)
      await rename(part, path)
    } catch (error) {
      await rm(part, { force: true })
      throw error
    }
  } catch (error) {
    if (error instanceof ApiError) throw error
    throw new CommandError(`Cannot write ${given}: ${error instanceof Error ? error.message : error}`)
  }
}

async function toOpened(
  file: FileHandle,
  use: (write: (piece: Buffer) => Promise<unknown>) => Promise<void>,
): Promise<void> {
  try {
    await use((piece) => file.appendFile(piece))
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
