import type { DatabaseSync } from 'node:sqlite'
import { Worker } from 'node:worker_threads'

/** Pages in the WAL that are worth a pass. */
const PASS_PAGES = 4_000
/** From so many on the WAL, 80 MB then, is to begin anew. */
const LONG_WAL_PAGES = 20_000

/** What the thread is sent, and what it answers when a pass has ended. */
export type CheckpointRequest = 'pass' | 'close'
export type CheckpointAnswer = 'ended'

/**
 * Moves what commits leave in the WAL into the store's file, pass by pass. A pass ends with a sync of the file, which
 * takes as long as twenty commits: so a thread does it, and commits go on meanwhile. Once the WAL is long the writer
 * itself moves what came during the last pass: with all of it moved the next write begins the WAL anew.
 */
export function createCheckpoints(database: DatabaseSync, path: string) {
  database.exec('pragma wal_autocheckpoint = 0')
  const look = database.prepare('pragma wal_checkpoint(noop)')
  const pass = database.prepare('pragma wal_checkpoint(passive)')
  let thread: Worker | undefined
  let state: 'none' | 'running' | 'ended' = 'none'

  function end(): void {
    state = 'ended'
  }

  function start(): Worker {
    const started = new Worker(new URL('./checkpoint-thread.ts', import.meta.url), { workerData: path })
    started.on('message', (_: CheckpointAnswer) => end())
    // the next pass has a new one
    started.on('error', () => {
      thread = undefined
      end()
    })
    return started
  }

  function move(): void {
    const { log, checkpointed } = look.get() as { log: number; checkpointed: number }
    if (log >= LONG_WAL_PAGES && state === 'ended') {
      state = 'none'
      pass.get()
    } else if (log - checkpointed >= PASS_PAGES) {
      thread ??= start()
      state = 'running'
      thread.postMessage('pass' satisfies CheckpointRequest)
    }
  }

  return {
    /** To be called when commits have been answered: nobody waits for it but the next write. */
    move(): void {
      if (state === 'running') return
      try {
        move()
      } catch {
        // everything is still in the WAL, and a later pass moves it
      }
    },
    async close(): Promise<void> {
      if (!thread) return
      const { promise, resolve } = Promise.withResolvers<void>()
      thread.on('exit', resolve)
      thread.postMessage('close' satisfies CheckpointRequest)
      await promise
    },
  }
}
