import { closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { partPathOf } from '../../part-path.ts'
import { openConnection } from './connection.ts'
import { storeError } from './store-error.ts'

/**
 * Writes the store as it is at one moment to a file of its own, without what deleted rows have left: whole or not at
 * all, on the disk when it returns. It holds this thread until then; servers read and write meanwhile.
 *
 * @throws ApiError 507 where there is no room; Error of the file system
 */
export function backUpSqlite(path: string, target: string): void {
  const part = partPathOf(target)
  // for its owner alone, as the store is
  closeSync(openSync(part, 'wx', 0o600))
  try {
    const { database } = openConnection(path)
    try {
      database.prepare('vacuum into ?').run(part)
    } finally {
      database.close()
    }
    sync(part)
    renameSync(part, target)
    // Windows has no way to sync a folder
    if (process.platform !== 'win32') sync(dirname(target))
  } catch (error) {
    rmSync(part, { force: true })
    throw storeError(error)
  }
}

function sync(path: string): void {
  const file = openSync(path, 'r')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
