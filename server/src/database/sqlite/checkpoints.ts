import type { DatabaseSync } from 'node:sqlite'
import { Worker } from 'node:worker_threads'

/** Pages in the WAL that are worth a pass. */
const PASS_PAGES = 4_000
/** From so many on the WAL, 80 MB then, is to begin anew. */
const LONG_WAL_PAGES = 20_000

/** What the thread is sent, and what it answers to a pass: whether it moved all that it found. */
export type CheckpointRequest = 'pass' | 'close'
export type CheckpointAnswer = 'all' | 'some'

/**
 * Moves what commits leave in the WAL into the store's file, pass by pass. A pass ends with a sync of the file, which
 * takes as long as several commits: so a thread does it, and commits go on meanwhile. Once the WAL is long, and a pass has
 * just moved all but what came meanwhile, the writer itself moves that: with all of it moved the next write begins the
 * WAL anew.
 */
export function createCheckpoints(database: DatabaseSync, path: string) {
  database.exec('pragma wal_autocheckpoint = 0')
  const look = database.prepare('pragma wal_checkpoint(noop)')
  const pass = database.prepare('pragma wal_checkpoint(passive)')
  let thread: Worker | undefined
  /** `all`: since the last look a pass has moved all that it found; `alone`: no thread could be had for one */
  let state: 'idle' | 'running' | 'all' | 'alone' = 'idle'
  let running = Promise.withResolvers<void>()

  function end(how: typeof state): void {
    state = how
    running.resolve()
  }

  function startThread(): Worker {
    const started = new Worker(new URL('./checkpoint-thread.ts', import.meta.url), { workerData: path })
    started.on('message', (answer: CheckpointAnswer) => end(answer === 'all' ? 'all' : 'idle'))
    // told of by its exit
    started.on('error', () => undefined)
    started.on('exit', () => {
      thread = undefined
      end('alone')
    })
    return started
  }

  function startPass(): void {
    state = 'alone'
    thread ??= startThread()
    thread.postMessage('pass' satisfies CheckpointRequest)
    running = Promise.withResolvers()
    state = 'running'
  }

  function moveSome(): void {
    const { log, checkpointed } = look.get() as { log: number; checkpointed: number }
    const left = log - checkpointed
    const last = state
    state = 'idle'
    const isLong = log >= LONG_WAL_PAGES
    if ((last === 'all' && isLong) || (last === 'alone' && left >= PASS_PAGES)) pass.get()
    else if (left >= PASS_PAGES || (isLong && left > 0)) startPass()
  }

  return {
    /** To be called when commits have been answered: nobody waits for it but the next write. */
    move(): void {
      if (state === 'running') return
      try {
        moveSome()
      } catch {
        // everything is still in the WAL, and a later pass moves it
      }
    },
    /** @returns whether the WAL held something and all of it has been moved: then it has room for the next write */
    async makeRoom(): Promise<boolean> {
      if (state === 'running') await running.promise
      try {
        const { busy, log, checkpointed } = pass.get() as { busy: number; log: number; checkpointed: number }
        return busy === 0 && log > 0 && checkpointed === log
      } catch {
        return false
      }
    },
    async close(): Promise<void> {
      if (!thread) return
      const { promise, resolve } = Promise.withResolvers<void>()
      thread.on('exit', () => resolve())
      thread.postMessage('close' satisfies CheckpointRequest)
      await promise
    },
  }
}
