import { randomBytes } from 'node:crypto'

const ID_BYTES = 12
const OURS = /^vip-users-[0-9a-f]{24}\.(?:csv|ndjson)(?:\.part)?$/

/** A name that no other export has, and nobody can guess. */
export const newFileName = (extension: string): string =>
  `vip-users-${randomBytes(ID_BYTES).toString('hex')}.${extension}`

/** Whether an export may have left a file of this name, whole or begun; what others lay beside them is not ours to delete. */
export const isOurName = (name: string): boolean => OURS.test(name)
