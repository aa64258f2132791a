import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dynamo, dynamoPrints } from './cli.ts'
import { conversationOf } from './conversations.ts'
import { dumpStore } from './dump-store.ts'
import { makeOrganization } from './organization.ts'
import { eachStore } from './stores.ts'

const PERSON = '7211234567890123'

eachStore((get) => {
  /** Two channels on which one platform id wrote, whom nobody has identified on the first. */
  async function setUp() {
    const { store, env, execute } = get()
    const { orgId, organizationId, channels } = await makeOrganization(store, { channels: 2 })
    const [first, second] = channels
    assert.ok(first && second)
    const report = () =>
      store.write('recordConversations', {
        orgId,
        conversations: [
          conversationOf(first.mediumId, PERSON, { userName: 'Nora Nemo', profilePic: 'https://cdn.example/nora.jpg' }),
          conversationOf(second.mediumId, PERSON, { userName: 'Ann Known', cuid: 'ann' }),
        ],
      })
    await report()
    const event = { orgId, kind: 'message', timestamp: 1, midHash: null, linkId: null, platformUserId: PERSON } as const
    const write = (...on: { channelKey: number; mediumId: string }[]) =>
      store.write('storeEvents', { events: on.map((channel) => ({ ...event, ...channel })) })
    await write(first, second)
    const of = ({ mediumId }: { mediumId: string }) => ['--organization', organizationId, '--channel', mediumId]
    await dynamoPrints(env, ['link', 'create', '--all', ...of(first)])
    const run = (command: string, channel: { mediumId: string }, person = PERSON) =>
      dynamo(env, ['conversation', command, ...of(channel), person])
    return { store, env, execute, orgId, organizationId, first, second, report, write, run }
  }

  test('who wrote and was never identified is handed out, erased, and erased again after a restore', async () => {
    const { env, execute, orgId, organizationId, first, second, report, write, run } = await setUp()
    const { conversation, webhookEvents, links } = JSON.parse((await run('export', first)).stdout)
    const { userName, profilePic, platformUserId, mediumId } = conversation
    assert.deepEqual(
      [userName, profilePic, platformUserId, mediumId],
      ['Nora Nemo', 'https://cdn.example/nora.jpg', PERSON, first.mediumId],
    )
    assert.deepEqual([webhookEvents.length, links.length], [1, 1])

    assert.match((await run('erase', first)).stdout, /^Erased; the receipt is [0-9a-f]{24}\n$/)
    assert.doesNotMatch(await dumpStore(env), /Nora|nora/)
    const left = await get()
      .store.db.selectFrom('webhook_events as e')
      .select('e.channel_key')
      .where('e.org_id', '=', orgId)
      .execute()
    assert.deepEqual(left, [{ channel_key: second.channelKey }])
    const receipts = await dynamoPrints(env, ['receipt', 'list', '--organization', organizationId])
    assert.match(receipts, /webhookEvents 1, links 1, (profileReads 1, )?conversations 1$/m)
    const unknown = await run('export', first)
    assert.deepEqual([unknown.code, unknown.stderr], [1, `The channel knows nobody by ${PERSON}\n`])
    // as after one whose line could not be written
    assert.match(
      (await run('erase', first)).stdout,
      /^Nothing is kept of \d+ on this channel; the receipt is \w{24}\n$/,
    )

    // as a backup would have it that was made before
    for (const table of ['receipts', 'erased_users']) await execute(`delete from ${table} where org_id = ${orgId}`)
    const reapply = async () => JSON.parse(await dynamoPrints(env, ['erasure', 'reapply', '--json']))
    await report()
    assert.equal((await run('export', first)).code, 0)
    assert.deepEqual(await reapply(), { reapplied: 2, users: 1, known: 0 })
    assert.equal((await run('export', first)).code, 1)
    // and before it was worked off that they wrote
    await execute(`delete from receipts where org_id = ${orgId}`)
    await write(first)
    assert.equal((await run('export', first)).code, 0)
    assert.deepEqual(await reapply(), { reapplied: 2, users: 1, known: 0 })
    assert.equal((await run('export', first)).code, 1)
    assert.match(await dumpStore(env), /Ann Known/)
  })

  test('who was identified is left to the commands for users, and another organization knows nobody', async () => {
    const { store, env, second, run } = await setUp()
    const before = await dumpStore(env)
    for (const [command, told] of [
      ['export', /^They are the user ann: run npx dynamo user export$/m],
      ['erase', /^They are the user ann: erase that user with POST \/v1\.0\/user\/deleteUserData$/m],
    ] as const) {
      const refused = await run(command, second)
      assert.equal(refused.code, 1)
      assert.match(refused.stderr, told)
    }
    const nobody = await run('erase', second, '')
    assert.deepEqual([nobody.code, nobody.stderr], [2, 'platformUserId is not allowed to be empty\n'])
    assert.equal(await dumpStore(env), before)
    const other = await makeOrganization(store)
    const foreign = ['--organization', other.organizationId, '--channel', second.mediumId, PERSON]
    assert.match((await dynamo(env, ['conversation', 'erase', ...foreign])).stderr, /has no channel/)
  })
})
