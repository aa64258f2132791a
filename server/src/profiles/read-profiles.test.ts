import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { pino } from 'pino'
import { type GraphCall, type GraphReply, startGraph, type TestGraph } from '../../test/graph.ts'
import { makeOrganization } from '../../test/organization.ts'
import { eachStore, type TestStore } from '../../test/stores.ts'
import { accessTokenPlace } from '../channels/access-token.ts'
import type { ConversationReport } from '../conversations/record-conversations.ts'
import { createSecrets } from '../secrets.ts'
import { verifyStore } from '../vip-users/verify.ts'
import { createGraph } from './graph.ts'
import { type ProfileReader, readDueProfiles } from './read-profiles.ts'

const TOKEN = 'EAAG-page-token-5f1c'
const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
const secrets = createSecrets(Buffer.alloc(32, 7))

const ANN = {
  id: '7001',
  name: 'Ann Lee',
  first_name: 'Ann',
  last_name: 'Lee',
  profile_pic: 'https://platform-lookaside.fbsbx.com/7001.jpg',
}

let people = 0

/** A channel with an access token, a stand-in for the platform, and a server whose clock is moved by hand. */
async function connect(
  { store, execute }: TestStore,
  answer: (call: GraphCall) => GraphReply | undefined,
  { channel = 0, timeoutMs = 10_000 } = {},
) {
  // what another test has left is not to be read
  await execute('update channels set access_token_ciphertext = null')
  const organization = await makeOrganization(store, { vipIndicator: 'ltv >= 0', channels: 2 })
  const { orgId, workspaceId } = organization
  const { channelKey = 0, mediumId = '' } = organization.channels[channel] ?? {}
  const setToken = (token: string | null) => {
    const ciphertext = token === null ? null : secrets.encrypt(token, accessTokenPlace(orgId, mediumId))
    return store.write('setAccessToken', { orgId, channelKey, ciphertext })
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
    async rows() {
      const page = await store.readList({ orgId, workspaceId, mediumId, months: null, offset: 0, limit: 100 })
      assert.ok(typeof page === 'object')
      return JSON.parse(`[${page.items}]`) as Record<string, unknown>[]
    },
    async conversations() {
      const rows = await store.db
        .selectFrom('conversations as c')
        .select(['c.platform_user_id', 'c.user_name', 'c.first_name', 'c.last_name', 'c.profile_pic'])
        .select(['c.profile_pic_timestamp', 'c.profile_read_timestamp'])
        .where('c.org_id', '=', orgId)
        .orderBy('c.conversation_key')
        .execute()
      return rows.map((row) => ({ ...row }))
    },
  }
}

const opened: TestGraph[] = []
after(() => Promise.all(opened.map((graph) => graph.stop())))

function report(mediumId: string, given: Partial<ConversationReport>): ConversationReport {
  return {
    conversationId: null,
    mediumId,
    platformUserId: `${++people}`,
    userName: null,
    firstName: null,
    lastName: null,
    profilePic: null,
    lastUserMessageTimestamp: null,
    cuid: null,
    eventTimestamp: Date.now() - DAY_MS,
    ...given,
  }
}

const answerAnn = ({ path }: GraphCall) => (path === ANN.id ? { body: ANN } : undefined)

eachStore((get) => {
  test('the profile of a new conversation is read once, and shows in the list with the time at which it was read', async () => {
    const { store } = get()
    const channel = await connect(get(), answerAnn)
    await channel.report([{ platformUserId: ANN.id, cuid: 'ann' }])
    await channel.read()
    await channel.read()
    assert.deepEqual(
      channel.graph.calls.map(({ path, params, token }) => [path, params.toString(), token]),
      [[ANN.id, 'fields=name%2Cfirst_name%2Clast_name%2Cprofile_pic', TOKEN]],
    )
    const [row] = await channel.rows()
    assert.deepEqual(
      [row?.userName, row?.firstName, row?.lastName, row?.profilePic],
      [ANN.name, ANN.first_name, ANN.last_name, ANN.profile_pic],
    )
    const [conversation] = await channel.conversations()
    assert.equal(conversation?.profile_pic_timestamp, channel.clock.ms)
    assert.equal(conversation?.profile_read_timestamp, channel.clock.ms)
    assert.deepEqual(await channel.reads(), [])
    assert.deepEqual(await verifyStore(store, { orgId: channel.orgId }), [])
  })

  test('an Instagram account is asked for the user name', async () => {
    const answer = { id: '7002', name: 'Ann Lee', username: 'annlee', profile_pic: 'https://cdninstagram.com/7002.jpg' }
    const channel = await connect(get(), () => ({ body: answer }), { channel: 1 })
    await channel.report([{ platformUserId: '7002', cuid: 'ann' }])
    await channel.read()
    assert.equal(channel.graph.calls[0]?.params.get('fields'), 'name,username,profile_pic')
    const [row] = await channel.rows()
    assert.deepEqual([row?.userName, row?.firstName, row?.profilePic], ['annlee', null, answer.profile_pic])
  })
})
