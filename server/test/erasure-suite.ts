import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Store } from '../src/database/store.ts'
import { compactStore } from '../src/erasure/compact-store.ts'
import { createLog } from '../src/http/request-log.ts'
import { makeLists } from '../src/vip-users/make-lists.ts'
import { verifyStore } from '../src/vip-users/verify.ts'
import { NOW, testApp } from './app.ts'
import { dynamo, dynamoPrints, type Ended } from './cli.ts'
import { conversationOf } from './conversations.ts'
import { dumpStore, readFolder, readStoreFiles } from './dump-store.ts'
import { makeOrganization, type TestOrganization } from './organization.ts'
import type { TestStore } from './stores.ts'
import { META, message, notification, notify, referral } from './webhooks.ts'

const PEOPLE = 2_000
const CHUNK = 250
const AT_ONCE = 5
const READ_MS = 100
const TIMESTAMP = NOW - 1_000_000
const MAX_COMPACTIONS = 5

/** What is in everything that is reported of a person, and in nothing else: `~` is in no hash. */
const tokenOf = (n: number) => `q${n}~z`
/** Every seventh is erased; among them who leads the list, and who begins ranges. */
const isErased = (n: number) => n % 7 === 0
const ALL = Array.from({ length: PEOPLE }, (_, n) => n)
const ERASED = ALL.filter(isErased)
const STAY = ALL.filter((n) => !isErased(n))
/** Who writes on the first channel, for whose conversations links are made. */
const LINKED_STAY = STAY.filter((n) => n % 2 === 0)
/** Of whom there is all that there can be. */
const TOLD_MOST = ALL.filter((n) => n % 30 === 0)
/** Whose name an operator corrects on the command line. */
const CORRECTED = 7

/** Whose name, id or purchase is somewhere in there. */
function peopleIn(text: string): number[] {
  return [...new Set(text.match(/q\d+~z/g))]
    .map((token) => Number(token.slice(1, -2)))
    .sort((one, other) => one - other)
}

async function inChunks(write: (numbers: number[]) => Promise<unknown>): Promise<void> {
  for (let start = 0; start < PEOPLE; start += CHUNK) await write(ALL.slice(start, start + CHUNK))
}

/** A back end, the platforms and an operator, who tell a served organization of its people; with the server's log. */
async function serving({ store, env }: TestStore, { orgId, organizationId, workspaceId, channels }: TestOrganization) {
  const lines: string[] = []
  const log = createLog('trace', { write: (line) => void lines.push(line) })
  const served = testApp(store, { ...env, ...META }, { log })
  await served.app.ready()
  const credentials = await served.key(orgId)
  const mediumIdOf = (n: number) => channels[n % channels.length]?.mediumId ?? ''
  /** by whose they are */
  const links = new Map<number, string[]>(ALL.map((n) => [n, []]))

  async function take(operation: string, body: object, key: string) {
    const headers = { 'idempotency-key': key }
    const answer = await served.post(credentials, `/v1.0/user/${operation}`, body, headers)
    assert.equal(answer.statusCode, 200, answer.body)
    return answer
  }

  /** Each round gives everybody other names and moves them elsewhere in the lists. */
  async function report(round: number): Promise<void> {
    const timestamp = TIMESTAMP + round
    const reportAll = (operation: string, itemOf: (n: number) => object) =>
      inChunks((numbers) =>
        take(
          operation,
          { batch: numbers.map((n) => ({ userId: `u-${tokenOf(n)}`, timestamp, ...itemOf(n) })) },
          `${operation}-${round}-${tokenOf(numbers[0] ?? 0)}`,
        ),
      )
    await inChunks((numbers) =>
      store.write('recordConversations', {
        orgId,
        conversations: numbers.map((n) =>
          conversationOf(mediumIdOf(n), `p-${tokenOf(n)}`, {
            conversationId: `c-${tokenOf(n)}`,
            userName: `handle-${round}-${tokenOf(n)}`,
            firstName: `First${round}${tokenOf(n)}`,
            lastName: `Last${round}${tokenOf(n)}`,
            profilePic: `https://example.com/${tokenOf(n)}/${round}.jpg`,
            lastUserMessageTimestamp: timestamp,
            cuid: `u-${tokenOf(n)}`,
            eventTimestamp: timestamp,
          }),
        ),
      }),
    )
    await reportAll('purchase', (n) => ({
      purchaseId: `order-${round}-${tokenOf(n)}`,
      revenue: 1 + ((n * 7919 * (round + 1)) % 500),
    }))
    await reportAll('properties', (n) => ({
      properties: [
        { key: 'firstName', value: `Own${round}${tokenOf(n)}` },
        { key: 'birthday', value: `19${60 + round}-0${1 + (n % 9)}-11` },
      ],
    }))
    await reportAll('activity', () => ({}))
  }

  /** A link for every conversation of the first channel, as an operator makes them. */
  async function linkAll(): Promise<void> {
    const ofChannel = ['--channel', channels[0]?.mediumId ?? '', '--all']
    const csv = await dynamoPrints(env, ['link', 'create', '--organization', organizationId, ...ofChannel])
    for (const [, n, linkId = ''] of csv.matchAll(/^c-q(\d+)~z,(.+)$/gm)) links.get(Number(n))?.push(linkId)
  }

  /** Links that are tied, and one that only a webhook tells of; idempotent answers that name the user; what was entered. */
  async function tellMost(n: number): Promise<void> {
    const userId = `u-${tokenOf(n)}`
    const linkId = links.get(n)?.[0] ?? ''
    await take('identify', { d10xLinkId: linkId, userId, timestamp: TIMESTAMP }, `identify-${tokenOf(n)}`)
    const converted = await take('markConversion', { d10xLinkId: linkId }, `conversion-${tokenOf(n)}`)
    assert.deepEqual(converted.json(), { userId })
    const { d10xLinkId: own } = (await take('links', { userId }, `link-${tokenOf(n)}`)).json()
    links.get(n)?.push(own)
    const events = [
      message(`p-${tokenOf(n)}`, `m-${tokenOf(n)}`, TIMESTAMP),
      referral(`p-${tokenOf(n)}`, own, TIMESTAMP),
    ]
    const notified = await notify(served.app, notification(mediumIdOf(n), events))
    assert.equal(notified.statusCode, 200, notified.body)
    const claims = [{ field: 'lastName' as const, value: `Entered${tokenOf(n)}` }]
    await store.write('setPersonalInformation', { orgId, cuid: userId, author: 'ops', claims })
  }

  /** What the log tells of too. */
  async function reportWrongly(n: number): Promise<void> {
    const userId = `u-${tokenOf(n)}`
    for (const [status, operation, body] of [
      [422, 'purchase', { userId, revenue: `${tokenOf(n)}` }],
      [409, 'purchase', { userId, revenue: 1e6, purchaseId: `order-0-${tokenOf(n)}` }],
      [404, 'identify', { userId, d10xLinkId: `no-${tokenOf(n)}` }],
      [400, 'properties', `{"userId":"${userId}"`],
    ] as const) {
      const headers = { 'content-type': 'application/json' }
      const answer = await served.post(credentials, `/v1.0/user/${operation}`, body, headers)
      assert.equal(answer.statusCode, status, answer.body)
    }
    assert.equal((await served.get(credentials, `/v1.0/user/properties/${userId}`)).statusCode, 200)
  }

  return {
    report,
    linkAll,
    tellMost,
    reportWrongly,
    correct: (n: number) => {
      const entered = ['--first-name', `Corrected${tokenOf(n)}`]
      return dynamoPrints(env, ['user', 'set', '--organization', organizationId, `u-${tokenOf(n)}`, ...entered])
    },
    /** files of both lists, which are kept for an hour */
    async exportLists(): Promise<void> {
      for (const { mediumId } of channels) {
        const url = `/vip-users/export?workspaceId=${workspaceId}&mediumId=${mediumId}`
        assert.equal((await served.get(credentials, url)).statusCode, 200)
      }
    },
    erase: (n: number) => take('deleteUserData', { userId: `u-${tokenOf(n)}` }, `erase-${tokenOf(n)}`),
    /** whose links are in there */
    linkedIn(text: string): number[] {
      // one may begin anywhere where bytes lie side by side
      const there = new Set(Array.from(text.matchAll(/(?=([0-9a-f]{24}))/g), ([, linkId]) => linkId))
      return ALL.filter((n) => links.get(n)?.some((linkId) => there.has(linkId)))
    },
    log: () => lines.join(''),
  }
}

/** At every moment a transaction is open that began a moment before: none is, and none was, open all the time. */
function readAlways({ snapshot }: Store): { stop: () => Promise<unknown> } {
  let isStopped = false
  const readers = [0, 1].map(async (reader) => {
    await pause(reader * READ_MS)
    while (!isStopped) {
      await snapshot(async (db) => {
        await db.selectFrom('receipts as r').select('r.receipt_id').limit(1).execute()
        await pause(2 * READ_MS)
      })
    }
  })
  return {
    stop: () => {
      isStopped = true
      return Promise.all(readers)
    },
  }
}

/** Once more where who reads or writes for long did not let it, as the command says. */
async function compact(env: TestStore['env']): Promise<Ended> {
  for (let attempt = 1; ; attempt++) {
    const ended = await dynamo(env, ['compact', '--json'])
    if (ended.code === 0 || attempt === MAX_COMPACTIONS || !/The store is busy/.test(ended.stderr)) return ended
  }
}

/** Needs ranges of few rows: many begin with somebody who is erased. */
export function erasureSuite(get: () => TestStore): void {
  test('of hundreds who are erased among thousands who move, nothing is left to ask for, and once compacted nothing at all', async () => {
    const { store, env } = get()
    const organization = await makeOrganization(store, { vipIndicator: 'ltv >= 100', channels: 2 })
    const { orgId, workspaceKey } = organization
    const server = await serving(get(), organization)
    const exported = () => readFolder(join(env.DYNAMO_DATA_DIR ?? '', 'exports'))
    await server.report(0)
    await server.linkAll()
    const corrected = server.correct(CORRECTED)
    // a few at once: all together are more than PostgreSQL's connections can take in time on a machine that is busy
    for (let start = 0; start < TOLD_MOST.length; start += AT_ONCE) {
      await Promise.all(TOLD_MOST.slice(start, start + AT_ONCE).map(server.tellMost))
    }
    await corrected
    await server.report(1)
    await server.reportWrongly(CORRECTED)
    await server.exportLists()
    assert.ok(peopleIn(await exported()).some(isErased))
    // a generation that is being made, and one that is left over
    await store.write('setVipIndicator', { orgId, workspaceKey, vipIndicator: 'ltv >= 50' })
    for (const n of ERASED) {
      await server.erase(n)
      if (n % 5 === 0) await store.write('buildChunk', { orgId, workspaceKey, size: 50 })
    }

    const dump = await dumpStore(env)
    assert.deepEqual(peopleIn(dump), STAY)
    assert.deepEqual(server.linkedIn(dump), LINKED_STAY)
    assert.equal(await exported(), '')
    assert.deepEqual(await verifyStore(store, { orgId }), [])
    await makeLists(store, { orgId, workspaceKey })
    assert.deepEqual(await verifyStore(store, { orgId }), [])
    await server.exportLists()

    // their names are still in pages that nobody reads, until those are overwritten
    const before = await readStoreFiles(env)
    assert.notDeepEqual(peopleIn(before), STAY)
    assert.notDeepEqual(server.linkedIn(before), LINKED_STAY)
    const readers = readAlways(store)
    const { code, stdout, stderr } = await compact(env)
    await readers.stop()
    assert.deepEqual([code, JSON.parse(stdout)], [0, { receipts: ERASED.length }], stderr)
    const files = await readStoreFiles(env)
    assert.deepEqual(peopleIn(files), STAY)
    assert.deepEqual(server.linkedIn(files), LINKED_STAY)
    assert.deepEqual(await verifyStore(store, { orgId }), [])
    const receipts = await store.db.selectFrom('receipts as r').selectAll().where('r.org_id', '=', orgId).execute()
    assert.equal(receipts.filter((receipt) => receipt.compacted_timestamp !== null).length, ERASED.length)
    assert.equal(await compactStore(store, 'erased'), 0)

    const log = server.log()
    assert.equal(log.match(/"route":"\/v1.0\/user\/deleteUserData"/g)?.length, ERASED.length)
    assert.deepEqual(peopleIn(log + stdout + stderr), [])
    assert.deepEqual(server.linkedIn(log + stdout + stderr), [])
  })
}
