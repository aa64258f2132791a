import module from 'node:module'
import { dirname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Writer, WriterOptions, Writes } from '../write.ts'
import { errorFromPlain } from './plain-error.ts'
import type { WriterAnswer, WriterRequest, WriterThreadData } from './writer-thread.ts'

interface Pending {
  resolve: (result: never) => void
  reject: (error: unknown) => void
}

/**
 * The writer in a thread of its own, so that a sync of the disk never stops the thread that answers reads.
 * The thread starts with the first write.
 */
export function createThreadedWriter<W extends Writes>(path: string, options: WriterOptions): Writer<W> {
  const pending = new Map<number, Pending>()
  let lastId = 0
  let worker: Worker | undefined
  let closed: (() => void) | undefined

  function failAll(error: unknown): void {
    for (const { reject } of pending.values()) reject(error)
    pending.clear()
    worker = undefined
    closed?.()
  }

  function start(): Worker {
    const workerData: WriterThreadData = { path, options }
    const started = new Worker(new URL('./writer-thread.ts', import.meta.url), { workerData, env: threadEnv() })
    started.on('message', (answer: WriterAnswer) => {
      if (answer === 'closed') return
      const waiting = pending.get(answer.id)
      pending.delete(answer.id)
      if (answer.error) waiting?.reject(errorFromPlain(answer.error))
      else waiting?.resolve(answer.result as never)
    })
    started.on('error', failAll)
    started.on('exit', () => {
      // one that failed has been told of, and may have a successor by now
      if (worker === started) failAll(new Error('The writer has stopped'))
    })
    return started
  }

  return {
    write(name, args) {
      worker ??= start()
      const id = ++lastId
      const answer = new Promise<never>((resolve, reject) => pending.set(id, { resolve, reject }))
      worker.postMessage({ id, name, args } satisfies WriterRequest)
      // the thread runs the same table of writes, so its answer has the named write's type
      return answer as unknown as ReturnType<W[typeof name]>
    },
    async close() {
      if (!worker) return
      const ended = new Promise<void>((resolve) => {
        closed = resolve
      })
      worker.postMessage('close' satisfies WriterRequest)
      await ended
    },
  }
}

/** A thread takes over where compiled code is kept only from its environment; without it, it starts twice as slowly. */
function threadEnv(): NodeJS.ProcessEnv {
  const folder = module.getCompileCacheDir()
  // the folder's last part is Node's own, for its version
  return folder === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: dirname(folder) }
}
