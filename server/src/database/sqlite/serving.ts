import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { isBusy } from './store-error.ts'

/** How long a starting server waits for somebody who is just looking whether one serves: that takes microseconds. */
const LOOK_TIMEOUT_MS = 2_000

/**
 * Tells other processes that a server works on the embedded store in this folder. It is a lock on a file of its own,
 * which the system drops with the process however that ends; several servers may hold it at once.
 *
 * @returns `release` lets go of it; `isShared`: another server held it already
 */
export function holdServing(dataDir: string): { release: () => void; isShared: boolean } {
  const others = watchServing(dataDir)
  const isShared = others.isServed()
  others.close()
  const lock = openLock(dataDir, LOOK_TIMEOUT_MS)
  // an open read transaction is a shared lock
  lock.exec('begin; select count(*) from sqlite_schema')
  return { release: () => lock.close(), isShared }
}

/** Looks whether a server works on the store in this folder; each look costs some 50 µs. */
export function watchServing(dataDir: string): { isServed: () => boolean; close: () => void } {
  const lock = openLock(dataDir, 0)
  return {
    isServed() {
      try {
        lock.exec('begin exclusive; rollback')
        return false
      } catch (error) {
        if (isBusy(error)) return true
        throw error
      }
    },
    close: () => lock.close(),
  }
}

/**
 * Holds what only one process may do, such as loading the sample, against others that would do it too, as long as
 * `work` runs; waits for one that is at it.
 */
export async function whileAlone<T>(dataDir: string, work: () => Promise<T>): Promise<T> {
  const lock = new DatabaseSync(join(dataDir, 'sample.lock'), { timeout: 0 })
  try {
    while (!takes(lock)) await new Promise((resolve) => setTimeout(resolve, 100))
    return await work()
  } finally {
    lock.close()
  }
}

function takes(lock: DatabaseSync): boolean {
  try {
    lock.exec('begin exclusive')
    return true
  } catch (error) {
    if (isBusy(error)) return false
    throw error
  }
}

function openLock(dataDir: string, timeout: number): DatabaseSync {
  return new DatabaseSync(join(dataDir, 'serving.lock'), { timeout })
}
