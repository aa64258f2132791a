import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApiError, errors } from '../http/errors.ts'
import { whenFree } from './when-free.ts'

/** A write into a store that is busy so many times. */
function busyFor(times: number) {
  let attempts = 0
  return {
    attempts: () => attempts,
    async write() {
      attempts += 1
      if (attempts <= times) throw new ApiError(503, 'Try again', { retryAfterSeconds: 0.001 })
      return 'written'
    },
  }
}

test('an import asks a busy store five times, and background work until it is told to stop', async () => {
  assert.equal(await whenFree(busyFor(4).write), 'written')
  await assert.rejects(whenFree(busyFor(5).write), { statusCode: 503 })
  const stopping = new AbortController()
  assert.equal(await whenFree(busyFor(20).write, stopping.signal), 'written')
  const forEver = busyFor(Number.POSITIVE_INFINITY)
  const waiting = whenFree(forEver.write, stopping.signal)
  stopping.abort()
  await assert.rejects(waiting, { name: 'AbortError' })
  assert.equal(forEver.attempts(), 1)
})

test('a write of ours that a store refuses for another reason is not done again', async () => {
  let attempts = 0
  const full = async () => {
    attempts += 1
    throw errors.storeFull(null)
  }
  await assert.rejects(whenFree(full), { statusCode: 507 })
  assert.equal(attempts, 1)
})
