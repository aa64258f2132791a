import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { dynamoPrints, serveDynamo } from './cli.ts'
import { conversationOf } from './conversations.ts'
import { dumpStore } from './dump-store.ts'
import { type GraphCall, type GraphReply, startGraph } from './graph.ts'
import { eachStore } from './stores.ts'

const TOKEN = 'EAAG-page-token-71be'

eachStore((get) => {
  test('whom a killed server was about to read another one reads, and neither tells the token', async () => {
    const { store, env, execute } = get()
    let isSilent = true
    const answer = ({ path }: GraphCall): GraphReply =>
      isSilent ? () => undefined : { body: { id: path, name: `Person ${path}` } }
    const own = await startGraph(answer, TOKEN)
    const settings = { ...env, META_GRAPH_URL: own.url, DYNAMO_ACCESS_TOKEN: TOKEN, LOG_LEVEL: 'trace' }
    const organizationId = await dynamoPrints(settings, ['organization', 'create', '--name', 'Acme'])
    const mediumId = await dynamoPrints(
      settings,
      `channel create --organization ${organizationId} --type FB_PAGE --platform-id 77 --name Acme --access-token`.split(
        ' ',
      ),
    )
    const { org_id: orgId } = await store.db
      .selectFrom('organizations as o')
      .select('o.org_id')
      .where('o.organization_id', '=', organizationId)
      .executeTakeFirstOrThrow()
    const people = Array.from({ length: 30 }, (_, n) => `${7_000 + n}`)
    await store.write('recordConversations', {
      orgId,
      conversations: people.map((platformUserId) => conversationOf(mediumId, platformUserId)),
    })
    const names = async () => {
      const rows = await store.db
        .selectFrom('conversations as c')
        .select('c.user_name')
        .where('c.org_id', '=', orgId)
        .execute()
      return rows.map((row) => row.user_name ?? '').sort()
    }

    const killed = await serveDynamo(settings)
    while (own.calls.length === 0) await pause(10)
    const gone = once(killed.process, 'exit')
    killed.process.kill('SIGKILL')
    await gone
    isSilent = false
    const next = await serveDynamo(settings)
    let log = ''
    next.process.stdout?.on('data', (chunk) => {
      log += chunk
    })
    // the lease of a killed server is over in two minutes: they have passed
    await execute('update profile_reads set due_timestamp = due_timestamp - 120000 where lease is not null')
    const wanted = people.map((id) => `Person ${id}`)
    while ((await names()).some((name) => name === '')) await pause(20)
    assert.deepEqual(await names(), wanted)
    const metrics = await (await fetch(`${next.url}/metrics`)).text()
    const openApi = await (await fetch(`${next.url}/openapi.json`)).text()
    assert.match(metrics, /^dynamo_graph_calls_total\{code="ok"\} 30$/m)
    assert.match(metrics, /^dynamo_profile_reads_waiting 0$/m)
    assert.match(metrics, /^dynamo_refused_access_tokens 0$/m)
    assert.equal(await next.stop(), 0)
    assert.match(log, /"level"/)
    assert.doesNotMatch(log + metrics + openApi + (await dumpStore(env)), /EAAG/)
    await own.stop()
  })
})
