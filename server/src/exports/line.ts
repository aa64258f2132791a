import { errors } from '../http/errors.ts'

/** Each has the store's snapshot, and a core to itself for as long as it takes. */
const AT_ONCE = 2
/** Who would wait longer than a balancer does is told to come back. */
const WAITING = 8

/** Lets a few do their work at once; others wait in the order in which they came. */
export function createLine() {
  let running = 0
  const waiting: (() => void)[] = []

  /** @throws the signal's reason: who has left keeps no place */
  function turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        waiting.splice(waiting.indexOf(come), 1)
        reject(signal.reason)
      }
      const come = () => {
        signal.removeEventListener('abort', leave)
        resolve()
      }
      waiting.push(come)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  return async function inLine<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted()
    if (running >= AT_ONCE) {
      if (waiting.length >= WAITING) throw errors.tooManyExports()
      await turn(signal)
    } else running += 1
    try {
      signal.throwIfAborted()
      return await work()
    } finally {
      const next = waiting.shift()
      // the next one takes over the place
      if (next) next()
      else running -= 1
    }
  }
}
