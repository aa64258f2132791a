import { errors } from '../../http/errors.ts'

const SQLITE_BUSY = 5

/** Whether another process holds what SQLite needs. */
export function isBusy(error: unknown): boolean {
  return (((error as { errcode?: number }).errcode ?? 0) & 0xff) === SQLITE_BUSY
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
