import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { verifyStore } from '../src/vip-users/verify.ts'
import { serveDynamo } from './cli.ts'
import { createErasingClient } from './erasing-client.ts'
import { createIdentifyingClient } from './identifying-client.ts'
import { inStore, makeReported } from './reported-organization.ts'
import { createReportingClient, SHARED_USERS } from './reporting-client.ts'
import type { TestStore } from './stores.ts'

const CLIENTS = ['ann', 'bo', 'cy', 'di']
/** Of the users that the clients report; the others have an LTV that is lower at first. */
const VIPS = Array.from({ length: 20 }, (_, number) => `u${SHARED_USERS - 1 - number}`)
/** After the first batch of a life has been acknowledged, which takes longer than the others. */
const MAX_LIFE_MS = 500

/** @param kills  how often the server is killed */
export function crashSuite(get: () => TestStore, kills: number): void {
  test('a server that is killed at any moment has kept all that it acknowledged, and nothing in part', async (t) => {
    const env = ownFolder(get().env)
    const { orgId, key, identifier } = await inStore(env, async (store, config) => {
      const { orgId, key, channels } = await makeReported(store, config)
      const mediumId = channels[0]?.mediumId ?? ''
      return { orgId, key, identifier: await createIdentifyingClient(store, { orgId, mediumId, vips: VIPS }) }
    })
    const eraser = createErasingClient('erased', env.DYNAMO_DATA_DIR ?? '')
    const clients = [...CLIENTS.map(createReportingClient), identifier, eraser]
    for (let life = 0; life <= kills; life++) {
      const server = await serveDynamo(env)
      t.after(() => server.process.kill('SIGKILL'))
      const ended = once(server.process, 'exit')
      const stopping = new AbortController()
      const first = Promise.withResolvers<void>()
      const sent = Promise.all(clients.map((client) => client.send(server.url, key, stopping.signal, first.resolve)))
      await Promise.race([first.promise, sent])
      await pause(randomInt(MAX_LIFE_MS))
      // in its last life it answers all that was sent
      if (life === kills) stopping.abort()
      else server.process.kill('SIGKILL')
      await sent
      server.process.kill('SIGTERM')
      await ended
      await inStore(env, async (store) => {
        for (const client of clients) await client.check(store, orgId)
        assert.deepEqual(await verifyStore(store, { orgId }), [])
      })
    }
    t.diagnostic(`${clients.reduce((sum, client) => sum + client.acknowledged(), 0)} batches acknowledged`)
  })
}

/** SQLite recovers where nobody else has the file open: not the store that the test file holds. */
function ownFolder(env: TestStore['env']): TestStore['env'] {
  return { ...env, DYNAMO_DATA_DIR: join(env.DYNAMO_DATA_DIR ?? '', 'served') }
}
