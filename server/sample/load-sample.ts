import { setImmediate as nextTurn } from 'node:timers/promises'
import { CommandError } from '../src/commands/command-error.ts'
import type { Store } from '../src/database/store.ts'
import { removeExportsOf } from '../src/exports/remove-files.ts'
import type { ExportStorage } from '../src/exports/storage.ts'
import { createKey } from '../src/organizations/create-key.ts'
import { readSampleMark, type SampleMark } from '../src/organizations/sample-mark.ts'
import type { Secrets } from '../src/secrets.ts'
import { makeLists } from '../src/vip-users/make-lists.ts'
import { makeSample, SAMPLE, type SampleCustomer } from './sample.ts'

const CUSTOMERS = 25_000
/** Customers a batch: some 100 ms each, so that progress is seen. */
const BATCH = 1_500
/** Written at once: no two batches are about the same people. */
const BATCHES_AT_ONCE = 3

export interface LoadOptions {
  /** the sample's times end the day before */
  asOf: Temporal.PlainDate
  /** what the addresses of the pictures begin with */
  publicUrl: string
  /** 25,000 by default */
  customers?: number
  /** after each batch: which share of the work is done, 0 to 1 */
  onProgress?: (share: number) => void
}

/**
 * Makes the sample organization by the product's own writes. The caller holds the store's sample lock and has removed
 * what an earlier loading left behind.
 *
 * @returns the mark that now stands in the store
 */
export async function loadSample(store: Store, secrets: Secrets, options: LoadOptions): Promise<SampleMark> {
  const { asOf, publicUrl, customers = CUSTOMERS, onProgress } = options
  const started = await store.write('startSample', { name: SAMPLE.organizationName })
  const { orgId } = started
  const channels = new Map<string, { channelKey: number; mediumId: string }>()
  for (const channel of SAMPLE.channels)
    channels.set(channel.type, await store.write('createChannel', { orgId, ...channel }))

  const eventTimestamp = asOf.toZonedDateTime('UTC').epochMilliseconds - 1
  const writing = new Set<Promise<void>>()
  let done = 0
  for (const batch of batches(makeSample({ asOf, customers }))) {
    const written = loadBatch(store, orgId, batch, { channels, publicUrl, eventTimestamp }).then(() => {
      writing.delete(written)
      done += batch.length
      onProgress?.((0.95 * done) / customers)
    })
    // what fails is thrown below
    written.catch(() => undefined)
    writing.add(written)
    // the next batch is made while a server or another thread writes
    await nextTurn()
    if (writing.size > BATCHES_AT_ONCE) await Promise.race(writing)
  }
  await Promise.all(writing)
  // made over everybody at once, which costs less than to keep them right while everybody comes
  const workspaceIds = await makeWorkspaces(store, orgId, channels)
  const { apiKey } = await createKey(store, secrets, { orgId, label: 'sample', scope: 'all' })
  onProgress?.(1)
  const mark: SampleMark = {
    ...started,
    state: 'loaded',
    apiKey,
    workspaceId: workspaceIds[0] ?? '',
    mediumIds: Object.fromEntries([...channels].map(([type, { mediumId }]) => [type, mediumId])),
  }
  await store.write('markSample', { mark })
  return mark
}

function* batches(customers: Iterable<SampleCustomer>): Generator<SampleCustomer[]> {
  let batch: SampleCustomer[] = []
  for (const customer of customers) {
    batch.push(customer)
    if (batch.length < BATCH) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

interface BatchContext {
  channels: ReadonlyMap<string, { mediumId: string }>
  publicUrl: string
  eventTimestamp: number
}

async function loadBatch(store: Store, orgId: number, batch: SampleCustomer[], context: BatchContext): Promise<void> {
  const { channels, publicUrl, eventTimestamp } = context
  const users = batch.map(({ cuid, properties, lastAppOpenTimestamp }) => ({
    cuid,
    properties: Object.entries(properties).map(([key, value]) => ({ key, value })),
    lastAppOpenTimestamp,
    eventTimestamp,
  }))
  const purchases = batch.flatMap(({ cuid, purchases }) =>
    purchases.map(({ micros, ...purchase }) => ({ ...purchase, cuid, revenueMicros: micros })),
  )
  const conversations = batch.flatMap(({ cuid, conversations }) =>
    conversations.map(({ channel, picture, ...conversation }) => ({
      ...conversation,
      mediumId: channels.get(channel)?.mediumId ?? '',
      profilePic: publicUrl + picture,
      cuid,
      eventTimestamp,
    })),
  )
  // one after the other: they are about the same people, whom each locks
  await store.write('recordUsers', { orgId, users })
  await store.write('recordPurchases', { orgId, purchases })
  await store.write('recordConversations', { orgId, conversations })
}

async function makeWorkspaces(
  store: Store,
  orgId: number,
  channels: ReadonlyMap<string, { channelKey: number }>,
): Promise<string[]> {
  const ids: string[] = []
  for (const { name, type, vipIndicator, channels: connected } of SAMPLE.workspaces) {
    const { workspaceKey, workspaceId } = await store.write('createWorkspace', { orgId, name, type, vipIndicator })
    ids.push(workspaceId)
    for (const channel of connected) {
      await store.write('connectChannel', { orgId, workspaceKey, channelKey: channels.get(channel)?.channelKey ?? 0 })
    }
    await makeLists(store, { orgId, workspaceKey })
  }
  return ids
}

/**
 * Removes the sample organization, or what a loading that was killed left of it.
 *
 * @param forget waits until the number of the organization may be used again; left out where nobody can have used
 *   its keys
 * @returns false where there is none
 * @throws CommandError where its exported files cannot be deleted: without its rows nobody would find them
 */
export async function removeSample(
  store: Store,
  storage: ExportStorage,
  forget: () => Promise<void> = async () => undefined,
): Promise<boolean> {
  const mark = await readSampleMark(store.db)
  if (!mark || mark.state === 'removed') return false
  const { orgId } = mark
  await removeExports(store, storage, orgId)
  await store.write('markSample', { mark: { ...mark, state: 'loading' } })
  while (await store.write('removeOrganizationRows', { orgId }));
  await forget()
  while (await store.write('removeOrganizationRows', { orgId }));
  // somebody may have exported a list until the rows were gone
  await removeExports(store, storage, orgId)
  await store.write('removeOrganization', { orgId })
  await store.write('markSample', { mark: { ...mark, state: 'removed' } })
  return true
}

async function removeExports(store: Store, storage: ExportStorage, orgId: number): Promise<void> {
  try {
    await removeExportsOf(store, storage, { now: Date.now(), orgId })
  } catch (error) {
    throw new CommandError(
      `The exported files of the sample could not be deleted (${error instanceof Error ? error.message : error}): ` +
        "see that the storage of EXPORT_STORAGE can be reached with the server's settings, and try again",
    )
  }
}
