import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import type { ExportFormat } from '../exports/formats.ts'
import { writeFile } from '../exports/write-file.ts'
import { writeList } from '../exports/write-list.ts'
import { ApiError } from '../http/errors.ts'
import { CommandError } from './command-error.ts'
import { findWorkspace } from './find.ts'
import { print, say } from './output.ts'
import { showProgress } from './progress.ts'
import { withStore } from './with-store.ts'

interface Options {
  workspace: string
  channel: string
  format: ExportFormat
  hasBirthday?: true
  birthdayMonth?: number
}

/** Writes a list to a file, whole or not at all, or to standard output. */
export async function run(file: string, options: Options): Promise<void> {
  await withStore(async (store) => {
    const { workspace: workspaceId, channel: mediumId, format, hasBirthday, birthdayMonth } = options
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
      say(`${rows} rows`)
    }
    try {
      await (file === '-' ? exportTo(print) : toFile(file, exportTo))
    } catch (error) {
      throw error instanceof ApiError ? new CommandError(error.message) : error
    }
  })
}

/** Under another name until it is complete; whoever stops it leaves nothing there. */
async function toFile(path: string, use: (write: (piece: Buffer) => Promise<unknown>) => Promise<void>): Promise<void> {
  const part = `${path}.${randomBytes(4).toString('hex')}.part`
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => {
      rmSync(part, { force: true })
      process.exit(code)
    })
  }
  try {
    await writeFile(part, use)
    await rename(part, path)
  } catch (error) {
    await rm(part, { force: true })
    if (error instanceof ApiError) throw error
    throw new CommandError(`Cannot write ${path}: ${error instanceof Error ? error.message : error}`)
  }
}
