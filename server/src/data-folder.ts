import { existsSync, mkdirSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/** The embedded store's file. */
export const storeFile = (dataDir: string): string => join(dataDir, 'dynamo.sqlite')

/**
 * Makes the data folder and what leads to it, for its owner alone. Step by step: where a parent can hold no folders,
 * as in `/proc`, Node's own `recursive` never ends.
 *
 * @throws Error of the file system, where the folder cannot be made
 */
export function makeDataFolder(path: string): void {
  const folder = resolve(path)
  if (existsSync(folder)) return
  if (dirname(folder) !== folder) makeDataFolder(dirname(folder))
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    // another process has made it meanwhile
    if (!existsSync(folder)) throw error
  }
}

/** What to do where something in the data folder cannot be had. @param failed what cannot be done: `open the store in ./data` */
export function dataFolderAdvice(failed: string, error: unknown): string {
  return `Cannot ${failed} (${reasonOf(error)}): make the folder writable or set DYNAMO_DATA_DIR to another`
}

/** The same where the store's file is there and can be read, but is none. */
export function damagedStoreAdvice(failed: string, error: unknown): string {
  return `Cannot ${failed} (${reasonOf(error)}): dynamo.sqlite is damaged or no store of Dynamo; restore a backup (docs/operate.md)`
}

const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
