import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import type { CheckpointAnswer, CheckpointRequest } from './checkpoints.ts'

const port = parentPort
if (!port) throw new Error('checkpoint-thread.ts runs as a worker')
const database = new DatabaseSync(workerData as string)
database.exec('pragma synchronous = full')
const pass = database.prepare('pragma wal_checkpoint(passive)')

port.on('message', (request: CheckpointRequest) => {
  if (request === 'close') {
    database.close()
    port.close()
    return
  }
  port.postMessage(movePages() satisfies CheckpointAnswer)
})

function movePages(): CheckpointAnswer {
  try {
    const { busy, log, checkpointed } = pass.get() as { busy: number; log: number; checkpointed: number }
    return busy === 0 && checkpointed === log ? 'all' : 'some'
  } catch {
    // everything is still in the WAL, and a later pass moves it
    return 'some'
  }
}
