import { Worker } from 'node:worker_threads'
import { errorFromPlain, type PlainError } from './plain-error.ts'

/**
 * Writes the store's file anew, without what deleted rows left in its pages, and empties the WAL. A thread of its own
 * does it: reads go on, and writes wait for it as for another process's.
 *
 * @throws ApiError 503 where a write or a long read did not end in time, 507 where there is no room
 */
export async function compactSqlite(path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const thread = new Worker(new URL('./compact-thread.ts', import.meta.url), { workerData: path })
  thread.on('message', (error: PlainError) => reject(errorFromPlain(error)))
  thread.on('error', reject)
  // after a failure it has no effect
  thread.on('exit', () => resolve())
  await promise
}
