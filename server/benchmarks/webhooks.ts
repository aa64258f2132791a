import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { makeNewLists, storeEnvs } from './bench-stores.ts'
import { checkLists } from './check-lists.ts'
import { toTable } from './figures.ts'
import { describeMachine } from './machine.ts'
import type { MadeList } from './made-list.ts'
import { CONNECTIONS, EVENTS_PER_NOTIFICATION, loadNotifications, META, PER_SECOND } from './notification-load.ts'
import { startDynamo } from './servers.ts'

// How many events of webhooks a second a server stores, and how long after that a message shows in the list.

const { values } = parseArgs({
  options: {
    // who are all VIPs
    users: { type: 'string', default: '100000' },
    stores: { type: 'string', default: 'sqlite,postgres' },
    seconds: { type: 'string', default: '10' },
    // a PostgreSQL server, on which the database `dynamo_benchmark` is made, and stays
    postgres: { type: 'string' },
  },
})
const users = Number(values.users)
const seconds = Number(values.seconds)

const folder = await mkdtemp(join(tmpdir(), 'dynamo-benchmark-'))
try {
  const lines: (string | number)[][] = []
  const { stores, databaseUrl } = await storeEnvs(values.stores, folder, values.postgres)
  const machine = await describeMachine(databaseUrl)
  for (const { name, env } of stores) {
    const lists = await makeNewLists(env, [{ users, vipShare: 1 }])
    for (const list of lists) lines.push([name, ...(await measure(env, list))])
    await checkLists(env, lists)
  }
  const described = [
    `- command: \`node server/benchmarks/webhooks.ts --users ${users} --stores ${values.stores} --seconds ${seconds}\``,
    ...machine,
    `- ${users.toLocaleString('en')} people, all VIPs; notifications of ${EVENTS_PER_NOTIFICATION} messages over ${CONNECTIONS} connections; the lag at ${PER_SECOND} messages a second`,
    '- afterwards `dynamo verify` found no difference',
  ]
  const head = ['store', 'events/s stored', 'answer p50 ms', 'answer p99 ms', 'lag p50 ms', 'lag p99 ms', 'server MiB']
  process.stdout.write(`${described.join('\n')}\n\n${toTable(head, lines)}\n`)
} finally {
  await rm(folder, { recursive: true, force: true })
}
// with it ends a PostgreSQL server that was started for this run
process.exit()

/** @returns a line of the table */
async function measure(env: Record<string, string>, list: MadeList): Promise<(string | number)[]> {
  const server = await startDynamo({ ...env, ...META })
  const { baseUrl } = server
  try {
    const lag = await loadNotifications({ baseUrl, list, seconds, kind: 'lag' })
    const most = await loadNotifications({ baseUrl, list, seconds, kind: 'most' })
    return [
      Math.round(most.perSecond * EVENTS_PER_NOTIFICATION).toLocaleString('en'),
      most.p50Ms.toFixed(1),
      most.p99Ms.toFixed(1),
      lag.p50Ms.toFixed(1),
      lag.p99Ms.toFixed(1),
      Math.round(server.residentMiB()),
    ]
  } finally {
    await server.stop()
  }
}
