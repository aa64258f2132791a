import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { loadConfig } from '../src/config.ts'
import { verifyStore } from '../src/vip-users/verify.ts'
import { getSigned, postSigned, serveDynamo } from './cli.ts'
import { makeReported } from './reported-organization.ts'
import type { TestStore } from './stores.ts'

const BATCHES = 100
const ITEMS = 250
/** About a mebibyte a batch: some are more than may wait. */
const VALUE = 'x'.repeat(4_000)
/** Of bodies that arrive at once a server takes fewer: those that wait for the store are what this is about. */
const APART_MS = 20
/** Longer than a write may wait for its turn. */
const HELD_MS = 6_000
const MAX_MEMORY_BYTES = 1024 * 1024 * 1024
const MAX_READ_MS = 5_000

export function busyStoreSuite(get: () => TestStore): void {
  test('while a store takes no writes a server refuses what it cannot keep, reads on and stays small', async (t) => {
    const { store, env, holdWrites } = get()
    const { orgId, key, workspaceId, channels } = await makeReported(store, loadConfig(env))
    const server = await serveDynamo(env)
    t.after(() => server.process.kill('SIGKILL'))
    const list = `${server.url}/vip-users?workspaceId=${workspaceId}&mediumId=${channels[0]?.mediumId}`
    const memory = async () => {
      const metrics = await (await fetch(`${server.url}/metrics`)).text()
      return Number(/^process_resident_memory_bytes (\S+)/m.exec(metrics)?.[1])
    }

    const release = await holdWrites()
    let left = BATCHES
    const answers = Promise.all(
      Array.from({ length: BATCHES }, async (_, batch) => {
        await pause(batch * APART_MS)
        const items = Array.from({ length: ITEMS }, (_, item) => ({
          userId: `${batch}-${item}`,
          properties: [{ key: `batch ${batch}`, value: VALUE }],
        }))
        const answer = await postSigned(`${server.url}/v1.0/user/properties`, key, { batch: items })
        left -= 1
        return { status: answer.status, retryAfter: answer.headers.get('retry-after'), body: await answer.text() }
      }),
    )
    const heldUntil = performance.now() + HELD_MS
    let slowestMs = 0
    let largest = 0
    for (let isHeld = true; left > 0; await pause(50)) {
      const began = performance.now()
      await getSigned(list, key)
      slowestMs = Math.max(slowestMs, performance.now() - began)
      largest = Math.max(largest, await memory())
      if (isHeld && performance.now() > heldUntil) {
        isHeld = false
        await release()
      }
    }
    for (const { status, retryAfter, body } of await answers) {
      if (status !== 200) assert.deepEqual([status, retryAfter, body], [503, '1', '{"message":"Try again"}'])
    }
    assert.ok(slowestMs < MAX_READ_MS, `${slowestMs} ms`)
    assert.ok(largest < MAX_MEMORY_BYTES, `${largest} bytes`)
    const stored = await store.db
      .selectFrom('properties as p')
      .select(['p.key', (is) => is.fn.countAll<number>().as('items')])
      .where('p.org_id', '=', orgId)
      .groupBy('p.key')
      .execute()
    const expected = (await answers).flatMap(({ status }, batch) => (status === 200 ? [`batch ${batch}`] : []))
    assert.ok(expected.length > 0 && expected.length < BATCHES, `${expected.length} taken`)
    assert.deepEqual(
      new Map(stored.map(({ key, items }) => [key, items])),
      new Map(expected.map((key) => [key, ITEMS])),
    )
    assert.deepEqual(await verifyStore(store, { orgId }), [])
  })
}
