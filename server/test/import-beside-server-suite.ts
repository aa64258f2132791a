import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { loadConfig } from '../src/config.ts'
import { verifyStore } from '../src/vip-users/verify.ts'
import { dynamoPrints, postSigned, serveDynamo } from './cli.ts'
import { recordVips } from './lists.ts'
import { makeReported } from './reported-organization.ts'
import type { TestStore } from './stores.ts'

/** In the list before, where imports and reports change their rows. */
const LISTED = 2_000
const ITEMS = 10
const MAX_P99_MS = 200

/** Every row is news. */
const FILES = {
  purchases: {
    columns: 'cuid,revenue,timestamp,purchaseId',
    count: 8_000,
    row: (n: number) => `u${n % 4_000},9.99,2026-05-01,import-${n}`,
  },
  users: {
    columns: 'cuid,firstName,lastName,birthday,lastAppOpenTimestamp,tier',
    count: 4_000,
    row: (n: number) => `u${n},Aiko,Tanaka,1988-02-29,2026-05-01,gold`,
  },
}

export function importBesideServerSuite(get: () => TestStore): void {
  test('an import beside a running server leaves 99 of 100 reports to it under 200 ms', async (t) => {
    const { store, env } = get()
    const { orgId, organizationId, key, channels } = await makeReported(store, loadConfig(env))
    await recordVips(store, { orgId, mediumId: channels[0]?.mediumId ?? '', count: LISTED })
    const server = await serveDynamo(env)
    t.after(() => server.process.kill('SIGKILL'))
    let batches = 0

    /** Reports purchases to the server, one batch after the other, until `work` is done. @returns ms of each, in order */
    async function reportDuring(work: Promise<unknown>): Promise<number[]> {
      let isDone = false
      const done = work.finally(() => {
        isDone = true
      })
      const tookMs: number[] = []
      while (!isDone) {
        const batch = Array.from({ length: ITEMS }, (_, item) => ({
          userId: `u${(batches * 37 + item * 211) % LISTED}`,
          revenue: 1,
          purchaseId: `reported-${batches}-${item}`,
        }))
        batches += 1
        const began = performance.now()
        const answer = await postSigned(`${server.url}/v1.0/user/purchase`, key, { batch })
        tookMs.push(performance.now() - began)
        assert.equal(answer.status, 200, await answer.text())
        await pause(5)
      }
      await done
      return tookMs.sort((one, other) => one - other)
    }

    // a server that has just started has most of its code still to compile
    await reportDuring(pause(1_000))
    for (const [kind, { columns, count, row }] of Object.entries(FILES)) {
      const file = join(env.DYNAMO_DATA_DIR ?? '', `${kind}.csv`)
      const rows = Array.from({ length: count }, (_, n) => `${row(n)}\n`)
      await writeFile(file, `${columns}\n${rows.join('')}`)
      const imported = dynamoPrints(env, ['import', kind, '--organization', organizationId, file])
      const tookMs = await reportDuring(imported)
      assert.equal(await imported, `read ${count}, imported ${count}, unchanged 0, rejected 0`)
      assert.ok(tookMs.length > 50, `${tookMs.length} reports beside the import of ${kind}`)
      const p99 = tookMs[Math.floor(tookMs.length * 0.99)] ?? 0
      t.diagnostic(`${kind}: ${tookMs.length} reports, p99 ${Math.round(p99)} ms`)
      assert.ok(p99 < MAX_P99_MS, `p99 ${p99} ms beside the import of ${kind}`)
    }
    assert.deepEqual(await verifyStore(store, { orgId }), [])
  })
}
