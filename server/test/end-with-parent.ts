import { isMainThread } from 'node:worker_threads'

// Loaded into a server that a test starts (`--import`): it ends with its standard input, and so with the test, however
// that ends.

if (isMainThread) {
  process.stdin.on('close', () => process.exit()).resume()
  // it must not be what keeps a server that was stopped alive
  process.stdin.unref()
}
