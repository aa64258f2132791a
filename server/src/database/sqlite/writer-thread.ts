import { parentPort, workerData } from 'node:worker_threads'
import { writes } from '../../writes.ts'
import type { WriterOptions } from '../write.ts'
import { errorToPlain, type PlainError } from './plain-error.ts'
import { createSqliteWriter } from './writer.ts'

/** What the thread is started with. */
export interface WriterThreadData {
  path: string
  options: WriterOptions
}
export type WriterRequest = { id: number; name: string; args: unknown } | 'close'
export type WriterAnswer = { id: number; result?: unknown; error?: PlainError } | 'closed'

const port = parentPort
if (!port) throw new Error('writer-thread.ts runs as a worker')
const { path, options } = workerData as WriterThreadData
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
