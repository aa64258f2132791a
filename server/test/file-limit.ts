import { writeSync } from 'node:fs'
import { isMainThread, Worker, workerData } from 'node:worker_threads'

// Loaded into the process of each test file (`--import`): Node's own time limit is one for a test, not for a file, and
// stops neither a loop nor a file that has something left open. A thread of its own sees both.

const LIMIT_SECONDS = 60

if (process.env.NODE_TEST_CONTEXT && isMainThread) {
  const watchdog = new Worker(new URL(import.meta.url), { workerData: { testFile: process.argv[1] }, execArgv: [] })
  watchdog.unref()
} else if (workerData?.testFile) {
  setTimeout(() => {
    writeSync(2, `${workerData.testFile} takes longer than ${LIMIT_SECONDS} s and is stopped\n`)
    process.kill(process.pid, 'SIGKILL')
  }, LIMIT_SECONDS * 1000)
}
