import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ListQuestion } from '../src/database/list-reader.ts'
import type { Store } from '../src/database/store.ts'
import { makeLists } from '../src/vip-users/make-lists.ts'
import { verifyStore } from '../src/vip-users/verify.ts'
import { conversationOf } from './conversations.ts'
import { type Facts, type ModelRow, modelList } from './list-model.ts'
import { makeOrganization, type TestOrganization } from './organization.ts'
import type { TestStore } from './stores.ts'

const START = Date.parse('2026-01-01T00:00:00Z')
const THRESHOLD = 100
/** Of a handful of rows, so that ranges split and merge all the time. */
export const RANGE_ROWS = 3

const cuids = fc.integer({ min: 1, max: 9 }).map((n) => `u${n}`)
const conversationNumbers = fc.integer({ min: 1, max: 14 })
/** Few values, so that many users tie. */
const revenues = fc.constantFrom(0n, 50_000_000n, 100_000_000n, -50_000_000n, 300_000_000n)
const birthdays = fc.constantFrom('1990-01-31', '--02-29', '2000-02-29', '1985-12-01', 'unknown')

type Step =
  | { kind: 'conversation'; number: number; cuid: string | null; firstName: string | null }
  | { kind: 'user'; cuid: string; key: string; value: string | number | null }
  | { kind: 'activity'; cuid: string }
  | { kind: 'purchase'; cuid: string; revenueMicros: bigint }

/** What happened, and when it is told: once, or again as one who retries does. */
interface Report {
  step: Step
  arrivals: number[]
}

const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('conversation' as const),
    number: conversationNumbers,
    cuid: fc.option(cuids),
    firstName: fc.option(fc.constantFrom('Ann', 'Bo')),
  }),
  fc.oneof(
    fc.record({
      kind: fc.constant('user' as const),
      cuid: cuids,
      key: fc.constant('birthday'),
      value: fc.option(birthdays),
    }),
    fc.record({
      kind: fc.constant('user' as const),
      cuid: cuids,
      key: fc.constant('ltv'),
      value: fc.option(fc.constantFrom<string | number>(0, 100, 250.5, 'many')),
    }),
    fc.record({
      kind: fc.constant('user' as const),
      cuid: cuids,
      key: fc.constant('firstName'),
      value: fc.option(fc.constantFrom('Cy', ' ')),
    }),
  ),
  fc.record({ kind: fc.constant('activity' as const), cuid: cuids }),
  fc.record({ kind: fc.constant('purchase' as const), cuid: cuids, revenueMicros: revenues }),
)
const reports: fc.Arbitrary<Report> = fc.record({
  step: steps,
  arrivals: fc.array(fc.nat({ max: 100 }), { minLength: 1, maxLength: 2 }),
})

/** In the order of what happened: every fact gets an event time of its own. */
function factsOf(organization: TestOrganization, sequence: Report[]): Facts[] {
  return sequence.map(({ step }, index) => {
    const facts: Facts = { conversations: [], users: [], purchases: [] }
    const eventTimestamp = START + index
    if (step.kind === 'conversation') {
      const mediumId = organization.channels[step.number % 2]?.mediumId ?? ''
      const conversationId = `${organization.organizationId}-${step.number}`
      const { firstName, cuid } = step
      const known = { conversationId, firstName, cuid, eventTimestamp }
      facts.conversations.push(conversationOf(mediumId, `p${step.number}`, known))
    } else if (step.kind === 'user') {
      const properties = [{ key: step.key, value: step.value }]
      facts.users.push({ cuid: step.cuid, properties, lastAppOpenTimestamp: null, eventTimestamp })
    } else if (step.kind === 'activity') {
      facts.users.push({ cuid: step.cuid, properties: [], lastAppOpenTimestamp: eventTimestamp, eventTimestamp })
    } else {
      const { cuid, revenueMicros } = step
      facts.purchases.push({ purchaseId: `b${index}`, cuid, revenueMicros, timestamp: eventTimestamp })
    }
    return facts
  })
}

/** What an operator does while facts come in. */
type Change = { kind: 'rule'; threshold: number } | { kind: 'reconnect'; channel: number } | { kind: 'workspace' }

const changes: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('rule' as const), threshold: fc.constantFrom(0, 50, 100, 250) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('reconnect' as const), channel: fc.nat({ max: 1 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('workspace' as const) }) },
)

/** Through all servers in turn; each makes the lists that the change asks for, unless the next change comes first. */
async function change(servers: Store[], organization: TestOrganization, sequence: Change[]): Promise<void> {
  const { orgId, workspaceKey, channels } = organization
  const making: Promise<unknown>[] = []
  for (const [index, one] of sequence.entries()) {
    const store = servers[index % servers.length] as Store
    let made = workspaceKey
    if (one.kind === 'rule') {
      await store.write('setVipIndicator', { orgId, workspaceKey, vipIndicator: `ltv >= ${one.threshold}` })
    } else if (one.kind === 'reconnect') {
      const channelKey = channels[one.channel]?.channelKey ?? 0
      await store.write('disconnectChannel', { orgId, workspaceKey, channelKey })
      await store.write('connectChannel', { orgId, workspaceKey, channelKey })
    } else {
      const created = { orgId, name: `${index}`, type: 'VIP', vipIndicator: 'ltv >= 1' } as const
      made = (await store.write('createWorkspace', created)).workspaceKey
      await store.write('connectChannel', { orgId, workspaceKey: made, channelKey: channels[0]?.channelKey ?? 0 })
    }
    making.push(makeLists(store, { orgId, workspaceKey: made }))
    if (index % 2 === 1) await Promise.all(making)
  }
  await Promise.all(making)
  for (const store of servers) await makeLists(store, { orgId, workspaceKey })
}

/** Batches of facts in the order in which they are told. */
function batchesOf(facts: Facts[], sequence: Report[], size: number): Facts[] {
  const told = sequence
    .flatMap(({ arrivals }, index) => arrivals.map((arrival) => ({ arrival, fact: facts[index] })))
    .sort((one, other) => one.arrival - other.arrival)
    .flatMap(({ fact }) => fact ?? [])
  return Array.from({ length: Math.ceil(told.length / size) }, (_, n) => merged(told.slice(n * size, n * size + size)))
}

function merged(facts: Facts[]): Facts {
  return {
    conversations: facts.flatMap((one) => one.conversations),
    users: facts.flatMap((one) => one.users),
    purchases: facts.flatMap((one) => one.purchases),
  }
}

async function write(store: Store, orgId: number, facts: Facts): Promise<void> {
  if (facts.conversations.length > 0) {
    await store.write('recordConversations', { orgId, conversations: facts.conversations })
  }
  if (facts.users.length > 0) await store.write('recordUsers', { orgId, users: facts.users })
  if (facts.purchases.length > 0) await store.write('recordPurchases', { orgId, purchases: facts.purchases })
}

async function walk(store: Store, question: Omit<ListQuestion, 'offset'>): Promise<{ conversationId: string }[]> {
  const items: { conversationId: string }[] = []
  for (;;) {
    const page = await store.readList({ ...question, offset: items.length })
    assert(typeof page !== 'string', String(page))
    const rows = JSON.parse(`[${page.items}]`) as typeof items
    assert.equal(rows.length, page.returned)
    items.push(...rows)
    if (rows.length === 0 || items.length >= page.total) {
      assert.equal(items.length, page.total)
      return items
    }
  }
}

function expectedRows(rows: ModelRow[], months: ListQuestion['months']): unknown[] {
  return rows
    .map(({ ltvMicros: _, ...row }) => ({ ...row, birthday: row.birthday === 'unknown' ? null : row.birthday }))
    .filter(({ birthday }) => {
      if (months === null) return true
      return birthday !== null && (months === 'any' || Number(birthday.slice(-5, -3)) === months)
    })
}

async function checkLists(
  store: Store,
  organization: TestOrganization,
  facts: Facts,
  { limit, threshold = THRESHOLD }: { limit: number; threshold?: number },
): Promise<void> {
  for (const { mediumId } of organization.channels) {
    const rows = modelList(facts, mediumId, BigInt(threshold) * 1_000_000n)
    for (const months of [null, 'any', 1, 2, 12] as const) {
      const { orgId, workspaceId } = organization
      const items = await walk(store, { orgId, workspaceId, mediumId, months, limit })
      const shown = (items as (ModelRow & { conversationId: string })[]).map(
        ({ conversationId, cuid, birthday, firstName, lastPurchaseTimestamp, lastAppOpenTimestamp }) => ({
          conversationId,
          cuid,
          birthday,
          firstName,
          lastPurchaseTimestamp,
          lastAppOpenTimestamp,
        }),
      )
      assert.deepEqual(shown, expectedRows(rows, months))
    }
  }
  assert.deepEqual(await verifyStore(store, { orgId: organization.orgId }), [])
}

/** The ranks of filtered pages, as somebody sees them who asked before and asks again after each change. */
async function checkRanks(store: Store, { orgId, workspaceId, channels }: TestOrganization): Promise<void> {
  for (const { mediumId } of channels) {
    const all = (await walk(store, { orgId, workspaceId, mediumId, months: null, limit: 50 })).map(
      (row) => row.conversationId,
    )
    for (const months of ['any', 1, 2, 12] as const) {
      const question = { orgId, workspaceId, mediumId, months, limit: 3, withRanks: true }
      for (let offset = 0, total = 1; offset < total; offset += question.limit) {
        const page = await store.readList({ ...question, offset })
        assert(typeof page !== 'string', String(page))
        total = page.total
        const ids = (JSON.parse(`[${page.items}]`) as { conversationId: string }[]).map((row) => row.conversationId)
        assert.deepEqual(
          page.ranks?.map((rank) => all[rank - 1]),
          page.returned === 0 ? page.ranks : ids,
        )
      }
    }
  }
}

/** @param runs how many interleavings; half as many with concurrent writers */
export function listOrderSuite(get: () => TestStore, runs: number): void {
  test('after facts came in any order, some of them twice, a walk shows each VIP once, in order, with the right totals', async () => {
    const { store } = get()
    await fc.assert(
      fc.asyncProperty(
        fc.array(reports, { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 1, max: 9 }),
        async (sequence, limit, batch) => {
          const organization = await makeOrganization(store, { vipIndicator: `ltv >= ${THRESHOLD}`, channels: 2 })
          const facts = factsOf(organization, sequence)
          for (const told of batchesOf(facts, sequence, batch)) await write(store, organization.orgId, told)
          await checkLists(store, organization, merged(facts), { limit })
        },
      ),
      { numRuns: runs },
    )
  })

  test('after every write the ranks of filtered pages are the places in the whole list', async () => {
    const { store } = get()
    await fc.assert(
      fc.asyncProperty(fc.array(reports, { minLength: 20, maxLength: 60 }), async (sequence) => {
        const organization = await makeOrganization(store, { vipIndicator: `ltv >= ${THRESHOLD}`, channels: 2 })
        for (const told of batchesOf(factsOf(organization, sequence), sequence, 5)) {
          await write(store, organization.orgId, told)
          await checkRanks(store, organization)
        }
      }),
      { numRuns: Math.ceil(runs / 2) },
    )
  })

  test('concurrent writers through two servers end in the same list as one after the other', async () => {
    const { store, openAnother } = get()
    const servers = [store, await openAnother()]
    await fc.assert(
      fc.asyncProperty(fc.array(reports, { minLength: 20, maxLength: 80 }), async (sequence) => {
        const organization = await makeOrganization(store, { vipIndicator: `ltv >= ${THRESHOLD}`, channels: 2 })
        const facts = factsOf(organization, sequence)
        const batches = batchesOf(facts, sequence, 5)
        // every third is told to both at once, as where an answer came late
        const told = batches.flatMap((batch, n) => (n % 3 === 0 ? [[batch, n] as const] : []).concat([[batch, n + 1]]))
        await Promise.all(told.map(([batch, n]) => write(servers[n % 2] ?? store, organization.orgId, batch)))
        for (const server of servers) await checkLists(server, organization, merged(facts), { limit: 4 })
      }),
      { numRuns: Math.ceil(runs / 2) },
    )
  })

  test('rules and channels that change while facts come in end in the list of the last rule', async () => {
    const { store, openAnother } = get()
    const servers = [store, await openAnother()]
    await fc.assert(
      fc.asyncProperty(
        fc.array(reports, { minLength: 20, maxLength: 80 }),
        fc.array(changes, { minLength: 1, maxLength: 6 }),
        async (sequence, operations) => {
          const organization = await makeOrganization(store, { vipIndicator: `ltv >= ${THRESHOLD}`, channels: 2 })
          const { orgId } = organization
          const facts = factsOf(organization, sequence)
          await Promise.all([
            change(servers, organization, operations),
            ...batchesOf(facts, sequence, 5).map((batch, n) => write(servers[n % 2] ?? store, orgId, batch)),
          ])
          const last = operations.findLast((one) => one.kind === 'rule')
          const threshold = last?.threshold ?? THRESHOLD
          for (const server of servers) await checkLists(server, organization, merged(facts), { limit: 4, threshold })
        },
      ),
      { numRuns: Math.ceil(runs / 2) },
    )
  })
}
