import { open } from 'node:fs/promises'

/**
 * Makes a file that is not there yet, for its owner alone, and has all of it on the disk when it returns.
 *
 * @param use writes the pieces, one after the other
 * @throws Error of the file system; what was written until then stays
 */
export async function writeFile<T>(
  path: string,
  use: (write: (piece: Buffer) => Promise<void>) => Promise<T>,
): Promise<T> {
  const file = await open(path, 'wx', 0o600)
  try {
    // where the disk takes a part of a piece it goes on with the rest, which a single write would leave out
    const result = await use((piece) => file.appendFile(piece))
    await file.sync()
    return result
  } finally {
    await file.close()
  }
}
