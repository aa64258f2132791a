import assert from 'node:assert/strict'
import { after } from 'node:test'
import { pino } from 'pino'
import { accessTokenPlace } from '../src/channels/access-token.ts'
import type { ConversationReport } from '../src/conversations/record-conversations.ts'
import { createGraph } from '../src/profiles/graph.ts'
import { createLearned, type ProfileReader, readDueProfiles } from '../src/profiles/read-profiles.ts'
import { createSecrets } from '../src/secrets.ts'
import { conversationOf } from './conversations.ts'
import { type GraphCall, type GraphReply, startGraph, type TestGraph } from './graph.ts'
import { makeOrganization } from './organization.ts'
import type { TestStore } from './stores.ts'

export const TOKEN = 'EAAG-page-token-5f1c'
export const MINUTE_MS = 60_000
export const DAY_MS = 86_400_000
const secrets = createSecrets(Buffer.alloc(32, 7))

export const ANN = {
  id: '7001',
  name: 'Ann Lee',
  first_name: 'Ann',
  last_name: 'Lee',
  profile_pic: 'https://platform-lookaside.fbsbx.com/7001.jpg',
}

let people = 0

/** A channel with an access token, a stand-in for the platform, and a server whose clock is moved by hand. */
export async function connectGraph(
  { store, execute }: TestStore,
  answer: (call: GraphCall) => GraphReply | undefined,
  { channel = 0, timeoutMs = 10_000 } = {},
) {
  // what another test has left is not to be read
  await execute('update channels set access_token_ciphertext = null')
  const organization = await makeOrganization(store, { vipIndicator: 'ltv >= 0', channels: 2 })
  const { orgId, workspaceId } = organization
  const { channelKey = 0, mediumId = '' } = organization.channels[channel] ?? {}
  const setToken = (token: string | null, of = { channelKey, mediumId }) => {
    const ciphertext = token === null ? null : secrets.encrypt(token, accessTokenPlace(orgId, of.mediumId))
    return store.write('setAccessToken', { orgId, channelKey: of.channelKey, ciphertext })
  }
  await setToken(TOKEN)
  const graph = await startGraph(answer, TOKEN)
  opened.push(graph)
  // what is planned is due
  const clock = { ms: Date.now() + MINUTE_MS }
  const codes: string[] = []
  const lines: string[] = []
  const reader: ProfileReader = {
    store,
    graph: createGraph({ url: graph.url, count: (code) => codes.push(code), timeoutMs }),
    secrets,
    log: pino({}, { write: (line: string) => lines.push(line) }),
    now: () => clock.ms,
    signal: new AbortController().signal,
  }
  const learned = createLearned()
  const reads = async () => {
    const rows = await store.db
      .selectFrom('profile_reads as r')
      .select(['r.conversation_key', 'r.due_timestamp', 'r.attempts'])
      .where('r.org_id', '=', orgId)
      .orderBy('r.conversation_key')
      .execute()
    return rows.map((row) => ({ ...row }))
  }
  return {
    ...organization,
    channelKey,
    mediumId,
    graph,
    clock,
    codes,
    lines,
    reader,
    reads,
    setToken,
    report: (reports: Partial<ConversationReport>[]) =>
      store.write('recordConversations', { orgId, conversations: reports.map((given) => report(mediumId, given)) }),
    read: () => readDueProfiles(reader),
    /** as one server that goes on: what it has learned of the platform it knows the next time */
    readOn: () => readDueProfiles(reader, learned),
    async rows() {
      const page = await store.readList({ orgId, workspaceId, mediumId, months: null, offset: 0, limit: 100 })
      assert.ok(typeof page === 'object')
      return JSON.parse(`[${page.items}]`) as Record<string, unknown>[]
    },
    conversationOf: (platformUserId: string) =>
      store.db
        .selectFrom('conversations as c')
        .select(['c.user_name', 'c.profile_pic_timestamp', 'c.profile_read_timestamp'])
        .where('c.org_id', '=', orgId)
        .where('c.platform_user_id', '=', platformUserId)
        .executeTakeFirst(),
  }
}

const opened: TestGraph[] = []
after(() => Promise.all(opened.map((graph) => graph.stop())))

function report(mediumId: string, given: Partial<ConversationReport>): ConversationReport {
  return conversationOf(mediumId, `${++people}`, { eventTimestamp: Date.now() - DAY_MS, ...given })
}

export const answerAnn = ({ path }: GraphCall) => (path === ANN.id ? { body: ANN } : undefined)
