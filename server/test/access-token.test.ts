import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Store } from '../src/database/store.ts'
import { openTestStore } from './app.ts'
import { dynamo, dynamoPrints } from './cli.ts'
import { conversationOf } from './conversations.ts'
import { dumpStore } from './dump-store.ts'
import { type GraphCall, type GraphReply, graphError, startGraph, type TestGraph } from './graph.ts'

const TOKEN = 'EAAG-page-token-71be'
const PAGE = '104500000000001'
const ACCOUNT = '17841400000000001'

/** What the stand-in answers a page's token that may do everything. */
const ALLOWED: Record<string, GraphReply> = {
  me: { body: { id: PAGE, name: 'Golden Reel', instagram_business_account: { id: ACCOUNT, username: 'goldenreel' } } },
  'me/conversations': {
    body: {
      data: [{ id: 't_1', participants: { data: [{ id: '7001', name: 'Ann Lee' }, { id: PAGE }] } }],
      paging: { cursors: { before: 'a', after: 'b' } },
    },
  },
  7001: { body: { id: '7001', name: 'Ann Lee' } },
  'me/subscribed_apps': { body: { data: [{ id: '1', name: 'Dynamo', subscribed_fields: ['messages'] }] } },
}

let opened: { store: Store; env: Record<string, string>; remove: () => Promise<void> }
let graph: TestGraph
let organization: string
let answers = ALLOWED
/** All that the commands of this file printed. */
let printed = ''

const run = async (args: string[], { env = {} as Record<string, string>, input = '' } = {}) => {
  const ended = await dynamo({ ...opened.env, META_GRAPH_URL: graph.url, ...env }, args, input)
  printed += ended.stdout + ended.stderr
  return ended
}
const create = (args: string[], given: Parameters<typeof run>[1] = {}) =>
  run(['channel', 'create', '--organization', organization, '--name', 'Golden Reel', ...args], given)
const set = (channel: string, args: string[], given: Parameters<typeof run>[1] = {}) =>
  run(['channel', 'set', '--organization', organization, '--channel', channel, ...args], given)
const check = (channel: string, args: string[] = []) =>
  run(['channel', 'check', '--organization', organization, '--channel', channel, ...args])

before(async () => {
  opened = await openTestStore()
  graph = await startGraph(({ path }: GraphCall) => answers[path], TOKEN)
  organization = await dynamoPrints(opened.env, ['organization', 'create', '--name', 'Acme'])
})
after(async () => {
  await graph.stop()
  await opened.remove()
})

test('a channel is given an access token from the environment, from standard input, or with a warning', async () => {
  const [page, account] = [
    ['--type', 'FB_PAGE', '--platform-id', PAGE],
    ['--type', 'INSTAGRAM_ACCOUNT', '--platform-id', ACCOUNT],
  ]
  const byEnvironment = await create([...page, '--access-token'], { env: { DYNAMO_ACCESS_TOKEN: TOKEN } })
  assert.deepEqual([byEnvironment.code, byEnvironment.stdout, byEnvironment.stderr], [0, `FB_PAGE_${PAGE}\n`, ''])
  const byInput = await create([...account, '--access-token', '-'], { input: `${TOKEN}\n` })
  assert.deepEqual([byInput.code, byInput.stderr], [0, ''])
  const byArgument = await set(`FB_PAGE_${PAGE}`, ['--access-token', TOKEN, '--json'])
  assert.match(byArgument.stderr, /^Warning: other users of this machine can see arguments/)
  assert.deepEqual(JSON.parse(byArgument.stdout), { id: `FB_PAGE_${PAGE}`, hasAccessToken: true })

  for (const [args, given] of [
    [['--access-token'], {}],
    [['--access-token', '-'], { input: '\n' }],
    [['--access-token'], { env: { DYNAMO_ACCESS_TOKEN: `${TOKEN} and more` } }],
    [['--access-token', '-'], { input: `${TOKEN}\nx-other: header` }],
    [['--access-token', '--clear-access-token'], { env: { DYNAMO_ACCESS_TOKEN: TOKEN } }],
    [[], {}],
  ] as const) {
    const refused = await set(`FB_PAGE_${PAGE}`, [...args], given)
    assert.deepEqual([refused.code, refused.stdout], [2, ''])
  }
})

test('a channel is checked: whether its token works, whose it is, and what it may do', async () => {
  const page = `FB_PAGE_${PAGE}`
  const fine = await check(page)
  assert.equal(
    fine.stdout,
    `ok     The access token works
ok     It is for page ${PAGE} (Golden Reel)
ok     It reads conversations and the people in them (pages_messaging)
ok     It reads profiles (Business Asset User Profile Access)
ok     It is sent webhooks (pages_manage_metadata)
`,
  )
  assert.deepEqual([fine.code, fine.stderr], [0, ''])
  const account = await check(`INSTAGRAM_ACCOUNT_${ACCOUNT}`)
  assert.equal(account.code, 0)
  assert.match(account.stdout, /^ok {5}It is for Instagram account 17841400000000001 \(goldenreel\)$/m)

  answers = {
    ...ALLOWED,
    'me/conversations': graphError(230, '(#230) Requires pages_messaging permission to manage the object'),
    'me/subscribed_apps': graphError(200, `(#200) Requires pages_manage_metadata permission ${TOKEN}`),
  }
  const lacking = await check(page, ['--json'])
  assert.equal(lacking.code, 1)
  assert.partialDeepStrictEqual(JSON.parse(lacking.stdout), {
    id: page,
    ok: false,
    owner: { id: PAGE, name: 'Golden Reel' },
    missingPermissions: ['pages_messaging', 'pages_manage_metadata'],
  })

  answers = { ...ALLOWED, me: { body: { id: '999', name: 'Another\u001b[2J page' } } }
  const another = await check(page)
  assert.equal(another.code, 1)
  assert.match(another.stdout, /^wrong {2}It is for 999 \(Another\\u001b\[2J page\), and the channel is page 1045/m)
  assert.match((await check(`INSTAGRAM_ACCOUNT_${ACCOUNT}`)).stdout, /^wrong {2}The token is for no Instagram account/m)

  answers = ALLOWED
  const channel = { orgId: 1, channelKey: 1 }
  await opened.store.write('pauseChannel', { ...channel, untilTimestamp: 1 })
  assert.equal((await check(page)).stdout, fine.stdout)
  await opened.store.write('pauseChannel', { ...channel, untilTimestamp: Date.UTC(2100, 0, 1) })
  const paused = await check(page)
  assert.equal(paused.code, 0)
  assert.match(
    paused.stdout,
    /^ok {5}The platform was asked much, or gave no answer: profiles are read again from 2100-01-01/m,
  )

  answers = { ...ALLOWED, 7001: graphError(10, '(#10) Requires pages_read_engagement permission') }
  const unread = await check(page, ['--json'])
  assert.equal(unread.code, 1)
  assert.deepEqual(JSON.parse(unread.stdout).missingPermissions, ['pages_read_engagement'])
  answers = { ...ALLOWED, 'me/conversations': { body: { data: [] } } }
  assert.match((await check(page)).stdout, /^ok {5}Nobody has written yet: whether it reads profiles shows/m)
  answers = { ...ALLOWED, 'me/subscribed_apps': { body: { data: [{ id: '9', subscribed_fields: ['feed'] }] } } }
  assert.match((await check(page)).stdout, /^wrong {2}No app is subscribed to the page's messages: no webhooks come/m)

  answers = { ...ALLOWED, 'me/subscribed_apps': { body: { data: [] } } }
  assert.match((await check(page)).stdout, /^wrong {2}The app is not subscribed to the page/m)

  answers = { ...ALLOWED, me: { body: { id: PAGE, name: `Golden ${TOKEN}` } } }
  assert.match((await check(page)).stdout, new RegExp(`^ok {5}It is for page ${PAGE}$`, 'm'))

  for (const status of [200, 403]) {
    const error = { code: 200, message: '(#200) Requires pages_read_engagement permission' }
    answers = { ...ALLOWED, me: { status, body: { error } } }
    const lacks = JSON.parse((await check(page, ['--json'])).stdout)
    assert.deepEqual([lacks.ok, lacks.missingPermissions], [false, ['pages_read_engagement']])
    assert.match(lacks.findings[0].text, /^The token lacks pages_read_engagement \(200\): give the app/)
  }
  answers = { ...ALLOWED, me: graphError(3, 'Application does not have the capability') }
  assert.match((await check(page)).stdout, /^wrong {2}The token lacks a permission \(3\)/)

  answers = { ...ALLOWED, me: graphError(4, '(#4) Application request limit reached') }
  assert.match((await check(page)).stdout, /^wrong {2}The platform was asked too much \(4\)/)
})

test('whoever wrote to a channel before is read from the platform', async () => {
  const person = { id: '7001', name: 'Ann Lee' }
  const messages = { data: [{ from: { id: PAGE } }, { from: person, created_time: '2026-05-01T10:00:00+0000' }] }
  answers = {
    ...ALLOWED,
    'me/conversations': {
      body: { data: [{ participants: { data: [person, { id: PAGE, name: 'Golden Reel' }] }, messages }] },
    },
  }
  const args = ['channel', 'import', '--organization', organization, '--channel', `FB_PAGE_${PAGE}`]
  const read = await run(args)
  assert.deepEqual([read.code, read.stdout], [0, 'conversations: 1\n'])
  assert.deepEqual(JSON.parse((await run([...args, '--json'])).stdout), { id: `FB_PAGE_${PAGE}`, conversations: 1 })
  const rows = await opened.store.db
    .selectFrom('conversations as c')
    .select(['c.platform_user_id', 'c.user_name', 'c.last_user_message_timestamp'])
    .execute()
  assert.deepEqual(rows.map(Object.values), [['7001', 'Ann Lee', Date.UTC(2026, 4, 1, 10)]])
  const known = [{ participants: { data: [person, { id: PAGE }] } }]
  let pages = 0
  const endless = () => ({ body: { data: known, paging: { cursors: { after: `cursor-${++pages}` } } } })
  answers = {
    ...ALLOWED,
    get 'me/conversations'() {
      return endless()
    },
  }
  const left = await run(args)
  assert.equal(left.code, 1)
  assert.match(
    left.stderr,
    /^The platform's list has no end: 100 pages in a row name nobody new\. Conversations read: 101$/m,
  )
  answers = { ...ALLOWED, 'me/conversations': graphError(200, '(#200) Requires pages_messaging permission') }
  const refused = await run(args)
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /^The platform does not list the conversations \(200\): see npx dynamo channel check$/m)
})

test('a token that the platform refuses is told, and one that is gone too', async () => {
  answers = ALLOWED
  const page = `FB_PAGE_${PAGE}`
  await set(page, ['--access-token'], { env: { DYNAMO_ACCESS_TOKEN: 'EAAG-withdrawn-9c0d' } })
  const refused = await check(page)
  assert.deepEqual([refused.code, refused.stderr], [1, ''])
  assert.equal(refused.stdout, 'wrong  The platform refuses the access token (190): it has expired or was withdrawn\n')
  const { ciphertext } = await opened.store.db
    .selectFrom('channels as c')
    .select('c.access_token_ciphertext as ciphertext')
    .where('c.medium_id', '=', page)
    .executeTakeFirstOrThrow()
  const refusedTimestamp = Date.UTC(2026, 4, 30)
  const channel = { orgId: 1, channelKey: 1, ciphertext: ciphertext ?? '' }
  await opened.store.write('refuseAccessToken', { ...channel, refusedTimestamp })
  assert.match((await check(page)).stdout, /^wrong {2}No profiles are read since 2026-05-30T00:00:00.000Z/m)
  await set(page, ['--clear-access-token'])
  const gone = await check(page)
  assert.equal(gone.code, 1)
  assert.match(gone.stderr, /FB_PAGE_104500000000001 has no access token/)
})

test('a channel that is given a token has the profiles read of who wrote to it before', async () => {
  const page = `FB_PAGE_${PAGE}`
  await set(page, ['--clear-access-token'])
  const conversations = [conversationOf(page, '7100', { eventTimestamp: Date.now() })]
  await opened.store.write('recordConversations', { orgId: 1, conversations })
  const reads = () =>
    opened.store.db
      .selectFrom('profile_reads as r')
      .innerJoin('conversations as c', 'c.conversation_key', 'r.conversation_key')
      .select(['r.due_timestamp', 'r.attempts'])
      .where('c.platform_user_id', '=', '7100')
      .execute()
  assert.deepEqual(await reads(), [])
  await set(page, ['--access-token'], { env: { DYNAMO_ACCESS_TOKEN: TOKEN } })
  assert.deepEqual((await reads()).map(Object.values), [[0, 0]])
  await set(page, ['--clear-access-token'])
  assert.deepEqual(await reads(), [])
})

test('an access token goes over no network in the clear', async () => {
  for (const address of [
    'http://graph.example.com/v23.0',
    'ftp://127.0.0.1',
    'https://me:secret@graph.facebook.com',
    'https://x/?a=b',
  ]) {
    const { code, stderr } = await run(['channel', 'check', '--organization', organization, '--channel', 'x'], {
      env: { META_GRAPH_URL: address },
    })
    assert.deepEqual(
      [code, stderr.trim()],
      [1, 'META_GRAPH_URL must be an https:// address, or http:// on this machine, without a query'],
    )
  }
})

test('no command and no row tells an access token', async () => {
  assert.ok(printed.length > 1_000)
  assert.doesNotMatch(printed + (await dumpStore(opened.env)), /EAAG/)
})
