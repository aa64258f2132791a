import type { Writer, WriterOptions, Writes } from '../write.ts'

/**
 * The writer on the caller's own thread, for a command that waits for each of its writes: another thread would take as
 * long to start as the command. It is loaded, and its connection opened, with the first write.
 */
export function createWriterHere<W extends Writes>(path: string, options: WriterOptions): Writer<W> {
  let opened: ReturnType<typeof open> | undefined

  async function open() {
    const [{ createSqliteWriter }, { writes }] = await Promise.all([import('./writer.ts'), import('../../writes.ts')])
    return createSqliteWriter(path, writes, options)
  }

  async function run(name: string, args: unknown): Promise<unknown> {
    opened ??= open().catch((error) => {
      // the next write tries again
      opened = undefined
      throw error
    })
    const writer = await opened
    return await writer.write(name, args)
  }

  return {
    // the table of writes gives the named write's type
    write: (name, args) => run(name, args) as ReturnType<W[typeof name]>,
    async close() {
      const writer = await opened
      await writer?.close()
    },
  }
}
