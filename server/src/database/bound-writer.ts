import { errors } from '../http/errors.ts'
import { roughBytes } from './rough-bytes.ts'
import type { Writer, Writes } from './write.ts'

/** More would wait in vain: a store that is this far behind does not come to them in time. */
const MAX_WAITING = 1_000
/** What all writes that wait or run may hold in memory: some of the largest bodies, or a thousand usual batches. */
const MAX_BYTES = 64 * 1024 * 1024
/** Longer, and clients have given up; shorter, and a checkpoint or another process's write would have some refused. */
const MAX_WAIT_MS = 5_000

export interface BoundedWriter<W extends Writes> extends Writer<W> {
  /** how many writes wait or run */
  depth: () => number
}

/**
 * A writer that takes no more than the store can: `atOnce` writes are handed to it, a bounded number waits for a turn,
 * in order and for a bounded time, and others are refused at once with 503, before anything of them is done. One that
 * was handed over is awaited, however long it takes: it may be committed, so nobody is told that it was not. Closed, it
 * refuses all.
 */
export function boundWriter<W extends Writes>(writer: Writer<W>, atOnce: number): BoundedWriter<W> {
  const taken = new Set<Promise<unknown>>()
  const turns = new Set<() => void>()
  let running = 0
  let bytes = 0
  let isClosed = false

  /** Resolves when one that runs has ended, and left its place. */
  function nextTurn(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const giveUp = setTimeout(() => {
      turns.delete(begin)
      reject(errors.storeBusy(new Error(`A write had no turn within ${MAX_WAIT_MS} ms`)))
    }, MAX_WAIT_MS)
    function begin(): void {
      turns.delete(begin)
      clearTimeout(giveUp)
      resolve()
    }
    turns.add(begin)
    return promise
  }

  function leavePlace(): void {
    const [begin] = turns
    if (begin) begin()
    else running -= 1
  }

  async function inTurn(write: () => Promise<unknown>): Promise<unknown> {
    if (running < atOnce) running += 1
    else await nextTurn()
    try {
      return await write()
    } finally {
      leavePlace()
    }
  }

  async function run(size: number, write: () => Promise<unknown>): Promise<unknown> {
    if (isClosed) throw errors.storeBusy(new Error('The store is closed'))
    // one alone may be larger: an import's chunk
    if (turns.size >= MAX_WAITING || (taken.size > 0 && bytes + size > MAX_BYTES)) {
      throw errors.storeBusy(new Error(`${taken.size} writes of ${bytes} bytes wait`))
    }
    const ending = inTurn(write)
    taken.add(ending)
    bytes += size
    try {
      return await ending
    } finally {
      taken.delete(ending)
      bytes -= size
    }
  }

  return {
    // the bounds give what the writer gives
    write: (name, args) => run(roughBytes(args), () => writer.write(name, args)) as ReturnType<W[typeof name]>,
    depth: () => taken.size,
    async close() {
      isClosed = true
      await Promise.allSettled(taken)
      await writer.close()
    },
  }
}
