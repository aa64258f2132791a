import { parentPort, workerData } from 'node:worker_threads'
import { errors } from '../../http/errors.ts'
import { openConnection } from './connection.ts'
import { errorToPlain } from './plain-error.ts'
import { storeError } from './store-error.ts'

/** Longer than another's checkpoint takes, which is what may be waited for. */
const MAX_WAIT_MS = 10_000
const LOOK_AGAIN_MS = 20
const IDLE = new Int32Array(new SharedArrayBuffer(4))

try {
  compact(workerData as string)
} catch (error) {
  parentPort?.postMessage(errorToPlain(storeError(error)))
}

function compact(path: string): void {
  const { database } = openConnection(path)
  try {
    database.exec('vacuum')
    // the new pages are in the WAL, behind old ones; both files hold nothing old once they are moved and it is empty
    const checkpoint = database.prepare('pragma wal_checkpoint(truncate)')
    const until = performance.now() + MAX_WAIT_MS
    while ((checkpoint.get() as { busy: number }).busy !== 0) {
      if (performance.now() > until) throw errors.storeBusy(new Error('A long read needs the pages as they were'))
      // for a read SQLite itself has waited, but never for another's checkpoint
      Atomics.wait(IDLE, 0, 0, LOOK_AGAIN_MS)
    }
  } finally {
    database.close()
  }
}
