import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { verifyStore } from '../src/vip-users/verify.ts'
import { serveDynamo } from './cli.ts'
import { makeOrganization } from './organization.ts'
import { eachStore } from './stores.ts'
import { META, message, notification } from './webhooks.ts'

const KILLS = 3
const CLIENTS = 4

eachStore((get) => {
  test('what was answered is worked off, though servers are killed in between', async () => {
    const { store, env } = get()
    const { orgId, channels } = await makeOrganization(store)
    const mediumId = channels[0]?.mediumId ?? ''
    const answered = new Map<string, number>()
    let sent = 0

    async function sendUntilKilled(baseUrl: string): Promise<void> {
      for (;;) {
        const [person, timestamp] = [`p${sent % 50}`, 1_780_000_000_000 + sent]
        const body = JSON.stringify(notification(mediumId, [message(person, `m${sent++}`, timestamp)]))
        const signature = createHmac('sha256', 'new-secret').update(body).digest('hex')
        const headers = { 'content-type': 'application/json', 'x-hub-signature-256': `sha256=${signature}` }
        const answer = await fetch(`${baseUrl}/webhooks/meta`, { method: 'POST', headers, body }).catch(() => null)
        if (answer?.status !== 200) return
        answered.set(person, Math.max(answered.get(person) ?? 0, timestamp))
      }
    }

    for (let kill = 0; kill < KILLS; kill++) {
      const server = await serveDynamo({ ...env, ...META })
      // on PostgreSQL another one works on the same events
      const other = env.DATABASE_URL ? await serveDynamo({ ...env, ...META }) : null
      const clients = Array.from({ length: CLIENTS }, (_, client) =>
        sendUntilKilled((client % 2 && other ? other : server).url),
      )
      const before = sent
      while (sent < before + 60 + 40 * kill) await pause(1)
      for (const one of [server, other]) {
        if (!one) continue
        const ended = once(one.process, 'exit')
        one.process.kill('SIGKILL')
        await ended
      }
      await Promise.all(clients)
    }
    assert(answered.size > 10)

    const last = await serveDynamo(env)
    const waiting = () => store.db.selectFrom('webhook_events as e').select('e.event_key').where('e.org_id', '=', orgId)
    while ((await waiting().execute()).length > 0) await pause(10)
    await last.stop()
    const rows = await store.db
      .selectFrom('conversations as c')
      .select(['c.platform_user_id as person', 'c.last_user_message_timestamp as last'])
      .where('c.org_id', '=', orgId)
      .execute()
    const lastOf = new Map(rows.map(({ person, last }) => [person, last]))
    // what was stored and not answered may count too
    for (const [person, timestamp] of answered) assert((lastOf.get(person) ?? 0) >= timestamp, person)
    assert.deepEqual(await verifyStore(store, { orgId }), [])
  })
})
