import { errors } from '../../http/errors.ts'

const SQLITE_BUSY = 5
const SQLITE_CORRUPT = 11
const SQLITE_NOTADB = 26

/** Whether another process holds what SQLite needs. */
export function isBusy(error: unknown): boolean {
  return primaryCode(error) === SQLITE_BUSY
}

/** Whether the file is damaged, or no file of SQLite at all. */
export function isDamaged(error: unknown): boolean {
  const primary = primaryCode(error)
  return primary === SQLITE_CORRUPT || primary === SQLITE_NOTADB
}

function primaryCode(error: unknown): number {
  return ((error as { errcode?: number }).errcode ?? 0) & 0xff
}

/** What SQLite itself refused, as the API answers it. */
export function storeError(error: unknown): unknown {
  const code = (error as { errcode?: number }).errcode
  if (code === undefined) return error
  const [SQLITE_NOMEM, SQLITE_IOERR, SQLITE_FULL] = [7, 10, 13]
  const primary = code & 0xff
  if (primary === SQLITE_FULL) return errors.storeFull(error)
  if (primary === SQLITE_IOERR) return errors.storeCannotWrite(error)
  return isBusy(error) || primary === SQLITE_NOMEM ? errors.storeBusy(error) : error
}
