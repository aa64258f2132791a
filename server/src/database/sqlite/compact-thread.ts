import { parentPort, workerData } from 'node:worker_threads'
import { errors } from '../../http/errors.ts'
import { openConnection } from './connection.ts'
import { errorToPlain } from './plain-error.ts'
import { storeError } from './store-error.ts'

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
    const checkpoint = database.prepare('pragma wal_checkpoint(truncate)').get() as { busy: number }
    if (checkpoint.busy !== 0) throw errors.storeBusy(new Error('A long read needs the pages as they were'))
  } finally {
    database.close()
  }
}
