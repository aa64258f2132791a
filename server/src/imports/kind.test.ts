import assert from 'node:assert/strict'
import { test } from 'node:test'
import { conversationsKind } from './conversations.ts'
import { type ImportKind, isFault, type KindOptions } from './kind.ts'
import { purchasesKind } from './purchases.ts'
import { usersKind } from './users.ts'

const OPTIONS: KindOptions = { orgId: 1, eventTimestamp: 0, lastTimestamp: Date.UTC(2026, 5), isText: true }

function faultOf<Fact extends object>(kind: ImportKind<Fact>, values: Record<string, unknown>): string {
  const fault = kind.parse({ line: 2, values, source: [] })
  assert.ok(isFault(fault))
  return `${fault.field} ${fault.reason}`
}

test('an import says of a cell that is wrong what it should look like', () => {
  const purchase = { cuid: 'u1', revenue: '1.50', timestamp: '2026-05-01', purchaseId: 'p1' }
  const example = 'epoch milliseconds or ISO-8601 such as 2026-05-30T13:00:00Z'
  assert.equal(
    faultOf(purchasesKind(OPTIONS), { ...purchase, revenue: '1,50' }),
    'revenue must be an amount such as 49.99',
  )
  assert.equal(faultOf(purchasesKind(OPTIONS), { ...purchase, timestamp: '1.5.2026' }), `timestamp must be ${example}`)
  assert.equal(
    faultOf(usersKind(OPTIONS), { cuid: 'u1', lastAppOpenTimestamp: '1777629600' }),
    `lastAppOpenTimestamp looks like seconds; use ${example}`,
  )
  assert.equal(
    faultOf(conversationsKind(OPTIONS), { mediumId: 'c', platformUserId: '1', profilePic: 'ftp://example.com/a.png' }),
    'profilePic must be an http or https address',
  )
})
