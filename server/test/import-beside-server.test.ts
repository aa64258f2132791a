import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { dynamoPrints } from './cli.ts'
import { makeOrganization } from './organization.ts'
import { eachStore } from './stores.ts'

const ROWS = 60_000

eachStore((get) => {
  test('an import beside a running server leaves 99 of 100 of its writes under 200 ms', async () => {
    const { store, env } = get()
    const { orgId, organizationId } = await makeOrganization(store)
    const folder = env.DYNAMO_DATA_DIR ?? ''
    const file = join(folder, 'purchases.csv')
    const rows = Array.from({ length: ROWS }, (_, index) => `u${index % 5_000},9.99,2026-05-01,import-${index}\n`)
    await writeFile(file, `cuid,revenue,timestamp,purchaseId\n${rows.join('')}`)
    // this process is the server: it holds the store open, and writes through the writer that a server has
    const { release } = store.holdServing()
    let done = false
    const imported = dynamoPrints(env, ['import', 'purchases', '--organization', organizationId, file]).finally(() => {
      done = true
    })
    const tookMs: number[] = []
    for (let batch = 0; !done; batch++) {
      const purchases = Array.from({ length: 10 }, (_, index) => ({
        purchaseId: `served-${batch}-${index}`,
        cuid: `served-${index}`,
        revenueMicros: 1_000_000n,
        timestamp: 1_777_629_600_000,
      }))
      const began = performance.now()
      await store.write('recordPurchases', { orgId, purchases })
      tookMs.push(performance.now() - began)
      await once(AbortSignal.timeout(10), 'abort')
    }
    release()
    assert.equal(await imported, `read ${ROWS}, imported ${ROWS}, unchanged 0, rejected 0`)
    tookMs.sort((one, other) => one - other)
    const p99 = tookMs[Math.floor(tookMs.length * 0.99)] ?? 0
    assert.ok(tookMs.length > 50, `${tookMs.length} writes`)
    assert.ok(p99 < 200, `p99 ${p99} ms of ${tookMs.length} writes`)
  })
})
