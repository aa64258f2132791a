import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Logger } from 'pino'
import { accessTokenPlace } from '../channels/access-token.ts'
import type { Store } from '../database/store.ts'
import type { Secrets } from '../secrets.ts'
import { type Graph, GraphError, jittered, lengthened, type Pauses } from './graph.ts'
import { createOutages, type Outages } from './outages.ts'
import { PROFILE_FIELDS, toProfile } from './profile.ts'
import type { ProfileRead } from './take-reads.ts'

export interface ProfileReader {
  store: Pick<Store, 'db' | 'write'>
  graph: Graph
  secrets: Secrets
  log: Logger
  /** epoch ms */
  now: () => number
  /** stops it between two people; whom it left another server reads, once the lease is over */
  signal: AbortSignal
}

/** How often a server looks for profiles that are to be read. */
const LOOK_MS = 1_000
const MINUTE_MS = 60_000
/** Longer than a batch can take, so that nobody else reads the same person; not much: a killed server's people wait for so long. */
const LEASE_MS = 2 * MINUTE_MS
const BATCH = 20
/** How many people of one channel are asked for at a time. */
const SIDE_BY_SIDE = 4
/** How many channels are read at a time. */
const MAX_CHANNELS = 8
/** After so many attempts, some hours, a person is left for a day. */
const MAX_ATTEMPTS = 8
const FIRST_RETRY_MS = MINUTE_MS
const MAX_RETRY_MS = 120 * MINUTE_MS
/** Limits are of the last hour. */
const LIMITED_PAUSE_MS = 20 * MINUTE_MS
/** The platform's error for a limit of the whole app: no other channel is asked for either. */
const APP_LIMIT = '4'

const REFUSALS = {
  refused: 'The platform refused an access token: set a new one',
  forbidden: 'An access token lacks a permission: see dynamo channel check, give it the permission, and set it again',
}
const NO_ANSWER = 'The platform does not answer as it should: the channel is left alone for a while'

/** Until when this server asks for nobody, epoch ms. */
interface AppPause {
  untilMs: number
}

/** What a server has learned of the platform by asking. */
interface Learned {
  appPause: AppPause
  outages: Outages
}

export function createLearned(): Learned {
  return { appPause: { untilMs: 0 }, outages: createOutages() }
}

/** Reads the profiles that are due, on every channel with an access token, until it is stopped. */
export async function readProfiles(reader: ProfileReader): Promise<void> {
  const { log, signal } = reader
  const running = new Map<string, Promise<void>>()
  const learned = createLearned()
  while (!signal.aborted) {
    try {
      for (const channel of await findDueChannels(reader, learned)) {
        if (running.size >= MAX_CHANNELS || running.has(channel.mediumId)) continue
        const work = readBatch(reader, channel, learned)
          .catch((error) => {
            if (!signal.aborted) log.error({ message: 'Profiles could not be read', error: String(error) })
          })
          .finally(() => running.delete(channel.mediumId))
        running.set(channel.mediumId, work)
      }
    } catch (error) {
      if (!signal.aborted) log.error({ message: 'Profiles could not be looked for', error: String(error) })
    }
    await pause(LOOK_MS, undefined, { signal }).catch(() => undefined)
  }
  await Promise.all(running.values())
}

/** Reads what is due now, and ends. */
export async function readDueProfiles(reader: ProfileReader, learned = createLearned()): Promise<void> {
  for (;;) {
    const channels = await findDueChannels(reader, learned)
    if (channels.length === 0) return
    for (const channel of channels) await readBatch(reader, channel, learned)
  }
}

interface DueChannel {
  orgId: number
  channelKey: number
  mediumId: string
  type: 'FB_PAGE' | 'INSTAGRAM_ACCOUNT'
  ciphertext: string
}

/** Channels with an access token that the platform takes, and people whose profile is due; in any order. */
async function findDueChannels({ store, now }: ProfileReader, { appPause }: Learned): Promise<DueChannel[]> {
  if (now() < appPause.untilMs) return []
  const rows = await store.db
    .selectFrom('channels as c')
    .select(['c.org_id as orgId', 'c.channel_key as channelKey', 'c.medium_id as mediumId', 'c.type'])
    .select(sql<string>`c.access_token_ciphertext`.as('ciphertext'))
    .where('c.access_token_ciphertext', 'is not', null)
    .where('c.access_token_refused_timestamp', 'is', null)
    .where(({ eb, or }) =>
      or([eb('c.graph_paused_until_timestamp', 'is', null), eb('c.graph_paused_until_timestamp', '<=', now())]),
    )
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('profile_reads as r')
          .select('r.conversation_key')
          .whereRef('r.org_id', '=', 'c.org_id')
          .whereRef('r.channel_key', '=', 'c.channel_key')
          .where('r.due_timestamp', '<=', now()),
      ),
    )
    .execute()
  return rows
    .map((row) => ({ row, place: Math.random() }))
    .sort((one, other) => one.place - other.place)
    .map(({ row }) => row)
}

async function readBatch(reader: ProfileReader, channel: DueChannel, learned: Learned): Promise<void> {
  const { store, secrets, now } = reader
  const { orgId, channelKey, mediumId } = channel
  const token = secrets.decrypt(channel.ciphertext, accessTokenPlace(orgId, mediumId))
  const lease = randomBytes(12).toString('hex')
  const leasedUntil = now() + LEASE_MS
  const reads = await store.write('takeProfileReads', {
    orgId,
    channelKey,
    now: now(),
    limit: BATCH,
    lease,
    leasedUntil,
  })
  const left = [...reads]
  let isStopped = false
  let failure: { error: unknown } | undefined
  const readOneByOne = async () => {
    while (!isStopped && now() >= learned.appPause.untilMs) {
      const read = left.shift()
      if (!read) return
      const said = await readProfile(reader, channel, { read, lease, token, learned }).catch((error: unknown) => {
        failure ??= { error }
      })
      if (said !== 'go on') isStopped = true
    }
  }
  const length = learned.outages.isOut(mediumId) ? 1 : SIDE_BY_SIDE
  await Promise.all(Array.from({ length }, readOneByOne))
  if (left.length > 0) {
    const conversationKeys = left.map((read) => read.conversationKey)
    await store.write('returnProfileReads', { orgId, conversationKeys, lease, dueTimestamp: now(), failed: false })
  }
  // of the store; whom it was about is read once the lease is over
  if (failure) throw (failure as { error: unknown }).error
}

/** @returns whether the channel's other people may be asked for */
async function readProfile(
  { store, graph, log, now, signal }: ProfileReader,
  channel: DueChannel,
  { read, lease, token, learned }: { read: ProfileRead; lease: string; token: string; learned: Learned },
): Promise<'go on' | 'stop'> {
  const { orgId, channelKey, mediumId, type, ciphertext } = channel
  const { appPause, outages } = learned
  const { conversationKey, platformUserId, attempts } = read
  const record = (profile: ReturnType<typeof toProfile> | null) =>
    store.write('recordProfile', { orgId, conversationKey, lease, profile, readTimestamp: now() })
  const giveBack = (afterMs: number, failed: boolean) => {
    const dueTimestamp = now() + afterMs
    return store.write('returnProfileReads', {
      orgId,
      conversationKeys: [conversationKey],
      lease,
      dueTimestamp,
      failed,
    })
  }
  const leaveAlone = (ms: number) => store.write('pauseChannel', { orgId, channelKey, untilTimestamp: now() + ms })
  const leaveAppAlone = (ms: number) => {
    appPause.untilMs = Math.max(appPause.untilMs, now() + ms)
  }
  /** Later and later, and at last not. */
  const tryAgain = async () => {
    if (attempts + 1 >= MAX_ATTEMPTS) await record(null)
    else await giveBack(jittered(Math.min(FIRST_RETRY_MS * 2 ** attempts, MAX_RETRY_MS)), true)
  }
  const refuseToken = async (fault: keyof typeof REFUSALS, code: string): Promise<'stop'> => {
    await giveBack(0, false)
    const refused = { orgId, channelKey, ciphertext, refusedTimestamp: now() }
    const isNews = await store.write('refuseAccessToken', refused)
    if (isNews) log.warn({ message: REFUSALS[fault], channel: mediumId, code })
    return 'stop'
  }
  const heed = async ({ channelMs, appMs }: Pauses): Promise<'go on' | 'stop'> => {
    leaveAppAlone(lengthened(appMs))
    if (channelMs === 0) return 'go on'
    await leaveAlone(lengthened(channelMs))
    return 'stop'
  }

  // an import may bring any text; the platform's own ids are digits
  if (!/^\d+$/.test(platformUserId)) {
    await record(null)
    return 'go on'
  }
  try {
    const { body, pauses } = await graph.get(platformUserId, { fields: PROFILE_FIELDS[type] }, token, signal)
    outages.end(mediumId)
    await record(toProfile(type, body))
    return await heed(pauses)
  } catch (error) {
    if (!(error instanceof GraphError)) throw error
    if (error.fault !== 'failed' && error.fault !== 'forbidden') outages.end(mediumId)
    switch (error.fault) {
      case 'refused':
        return await refuseToken(error.fault, error.code)
      case 'forbidden':
        // mostly the page's token lacks it, and nobody else can be read either; it may be this person's alone
        if (attempts === 0 && outages.fail(mediumId, now()).pauseMs > 0) {
          return await refuseToken(error.fault, error.code)
        }
        await tryAgain()
        return 'go on'
      case 'limited': {
        const pauseMs = jittered(LIMITED_PAUSE_MS)
        if (error.code === APP_LIMIT) leaveAppAlone(pauseMs)
        await giveBack(0, false)
        await leaveAlone(pauseMs)
        await heed(error.pauses)
        return 'stop'
      }
      case 'unknown':
        await record(null)
        return await heed(error.pauses)
      default: {
        const { pauseMs, isNews } = outages.fail(mediumId, now())
        if (pauseMs > 0) await leaveAlone(pauseMs)
        if (isNews) log.warn({ message: NO_ANSWER, channel: mediumId, code: error.code, pauseMs })
        await tryAgain()
        return pauseMs === 0 ? 'go on' : 'stop'
      }
    }
  }
}
