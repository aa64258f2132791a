import module from 'node:module'
import { dirname } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import type { WriterOptions } from '../write.ts'
import { errorToPlain, type PlainError } from './plain-error.ts'

/** What the thread is started with. */
export interface WriterThreadData {
  path: string
  options: WriterOptions
  /** where the process keeps compiled code; a thread does not take that over */
  compileCacheDir: string | undefined
}
export type WriterRequest = { id: number; name: string; args: unknown } | 'close'
export type WriterAnswer = { id: number; result?: unknown; error?: PlainError } | 'closed'

const port = parentPort
if (!port) throw new Error('writer-thread.ts runs as a worker')
const { path, options, compileCacheDir } = workerData as WriterThreadData
// the folder's last part is Node's own, for its version
if (compileCacheDir) module.enableCompileCache(dirname(compileCacheDir))
const { createSqliteWriter } = await import('./writer.ts')
const { writes } = await import('../../writes.ts')
const writer = createSqliteWriter(path, writes, options)

port.on('message', async (request: WriterRequest) => {
  if (request === 'close') {
    await writer.close()
    port.postMessage('closed' satisfies WriterAnswer)
    port.close()
    return
  }
  const { id, name, args } = request
  try {
    port.postMessage({ id, result: await writer.write(name, args) } satisfies WriterAnswer)
  } catch (error) {
    port.postMessage({ id, error: errorToPlain(error) } satisfies WriterAnswer)
  }
})
