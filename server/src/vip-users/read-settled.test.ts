import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { testApp } from '../../test/app.ts'
import { makeBuyers } from '../../test/buyers.ts'
import { eachStore } from '../../test/stores.ts'
import { errors } from '../http/errors.ts'
import { makeLists } from './make-lists.ts'
import { verifyStore } from './verify.ts'

const HOUR_MS = 3_600_000
/** More than one transaction settles. */
const PEOPLE = 600

eachStore((get) => {
  async function makeList(vipIndicator: string, count: number) {
    const { store } = get()
    const buyers = await makeBuyers(get(), vipIndicator, count)
    const { orgId, workspaceId, mediumId, now } = buyers
    const t = testApp(store)
    t.clock.ms = now
    const key = await t.key(orgId)
    const url = `/vip-users?workspaceId=${workspaceId}&mediumId=${mediumId}&limit=1`
    return { ...buyers, store, clock: t.clock, ask: (headers = {}) => t.get(key, url, headers) }
  }

  test('a list answer shows nobody whose time has run out, without a sweep', async () => {
    const { store, orgId, ask, anHourPasses } = await makeList('now - lastPurchaseTimestamp < hours(2)', PEOPLE)
    const before = await ask()
    assert.equal(before.json().total, PEOPLE)
    // kept from here on
    const etag = String((await ask()).headers.etag)
    assert.equal((await ask({ 'if-none-match': etag })).statusCode, 304)

    await anHourPasses()
    const answers = await Promise.all([ask(), ask({ 'if-none-match': etag }), ask()])
    assert.deepEqual(
      answers.map((answer) => [answer.statusCode, answer.json().total]),
      [
        [200, 0],
        [200, 0],
        [200, 0],
      ],
    )
    assert.notEqual(answers[0]?.headers.etag, etag)
    assert.deepEqual(await verifyStore(store, { orgId }), [])
  })

  test('a list answer shows whom time alone has let in', async () => {
    const { store, orgId, ask, anHourPasses } = await makeList('now - lastPurchaseTimestamp >= hours(2)', 3)
    assert.equal((await ask()).json().total, 0)
    await anHourPasses()
    assert.equal((await ask()).json().total, 3)
    assert.deepEqual(await verifyStore(store, { orgId }), [])
  })

  test('a server whose clock is ahead of the writer answers all the same', async () => {
    const { ask, clock } = await makeList('now - lastPurchaseTimestamp < hours(2)', 3)
    clock.ms += HOUR_MS
    assert.equal((await Promise.all([ask(), ask()])).at(-1)?.json().total, 3)
  })

  test('while the store takes no writes a list over time is answered as it stands', async (t) => {
    const { store, ask, anHourPasses } = await makeList('now - lastPurchaseTimestamp < hours(2)', 3)
    await anHourPasses()
    const write = t.mock.method(store, 'write', async () => {
      throw errors.storeBusy(new Error('too many wait'))
    })
    assert.equal((await ask()).json().total, 3)
    write.mock.restore()
    assert.equal((await ask()).json().total, 0)
  })

  test('a write that waits for long does not hold up a list over time', async () => {
    const { ask, anHourPasses } = await makeList('now - lastPurchaseTimestamp < hours(2)', 3)
    await anHourPasses()
    const release = await get().holdWrites()
    const began = performance.now()
    const totals = [...(await Promise.all([ask(), ask()])), await ask()].map((answer) => answer.json().total)
    const tookMs = performance.now() - began
    await release()
    assert.deepEqual(totals, [3, 3, 3])
    assert(tookMs < 5_000, `${tookMs} ms`)
    while ((await ask()).json().total !== 0) await pause(20)
  })

  test('a rule that begins to ask for the time is answered by the time from its first list on', async () => {
    const { store, orgId, workspaceKey, ask, anHourPasses } = await makeList('ltv >= 0', 3)
    await ask()
    assert.equal((await ask()).json().total, 3)
    const vipIndicator = 'now - lastPurchaseTimestamp < hours(2)'
    await store.write('setVipIndicator', { orgId, workspaceKey, vipIndicator })
    await makeLists(store, { orgId, workspaceKey })
    assert.equal((await ask()).json().total, 3)
    await anHourPasses()
    assert.equal((await ask()).json().total, 0)
  })
})
