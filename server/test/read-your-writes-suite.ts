import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NOW, testApp } from './app.ts'
import { recordVips } from './lists.ts'
import { makeOrganization } from './organization.ts'
import type { TestStore } from './stores.ts'

const LANES = 4
const START = NOW - 100_000_000

interface Row {
  cuid: string
  firstName: string | null
  lastPurchaseTimestamp: number
  lastAppOpenTimestamp: number | null
}

/** What a client reports of a user, and what the user's row then shows. */
const REPORTS: { path: string; report: (n: number) => object; shows: (row: Row, n: number) => boolean }[] = [
  {
    path: 'activity',
    report: (n) => ({ timestamp: START + n }),
    shows: (row, n) => row.lastAppOpenTimestamp === START + n,
  },
  {
    path: 'properties',
    report: (n) => ({ timestamp: START + n, properties: [{ key: 'firstName', value: `Name ${n}` }] }),
    shows: (row, n) => row.firstName === `Name ${n}`,
  },
  {
    path: 'purchase',
    report: (n) => ({ timestamp: START + n, revenue: 1 }),
    shows: (row, n) => row.lastPurchaseTimestamp === START + n,
  },
]

/** @param times  how often something is written and the list then read */
export function readYourWritesSuite(get: () => TestStore, times: number): void {
  test('the list that is read after an answered write shows it, also from another server', async () => {
    const { store, openAnother } = get()
    const servers = [testApp(store), testApp(await openAnother())] as const
    const { orgId, workspaceId, channels } = await makeOrganization(store, { vipIndicator: 'ltv >= 0' })
    const mediumId = channels[0]?.mediumId ?? ''
    await recordVips(store, { orgId, mediumId, count: LANES })
    const key = await servers[0].key(orgId)
    const address = `/vip-users?workspaceId=${workspaceId}&mediumId=${mediumId}`

    /** Writes to one server, reads from the next, with the answer of the last read at hand, as a client keeps it. */
    async function run(lane: number): Promise<void> {
      let etag = ''
      for (let n = lane; n < times; n += LANES) {
        const [writer, reader] = [servers[n % 2], servers[(n + 1) % 2]]
        const { path, report, shows } = REPORTS[(n >> 3) % REPORTS.length] ?? {}
        assert(writer && reader && path && report && shows)
        const written = await writer.post(key, `/v1.0/user/${path}`, { userId: `u${lane}`, ...report(n) })
        assert.equal(written.statusCode, 200, written.body)
        const read = await reader.get(key, address, { 'if-none-match': etag })
        assert.equal(read.statusCode, 200, `${path} ${n}`)
        etag = String(read.headers.etag)
        const row = read.json<{ items: Row[] }>().items.find(({ cuid }) => cuid === `u${lane}`)
        assert.ok(row && shows(row, n), `${path} ${n}: ${JSON.stringify(row)}`)
      }
    }
    await Promise.all(Array.from({ length: LANES }, (_, lane) => run(lane)))
  })
}
