import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { verifyStore } from '../src/vip-users/verify.ts'
import { getSigned, postSigned, serveDynamo } from './cli.ts'
import { inStore, makeReported } from './reported-organization.ts'
import { onStore } from './stores.ts'

const LIMIT_BYTES = 20 * 1024 * 1024
const ITEMS = 250
/** About a mebibyte a batch, so that the WAL is moved into the file once, then neither of the two may grow. */
const VALUE = 'x'.repeat(4_000)

/** A disk that is full for this process alone: none of its files may grow past so many bytes. */
async function limitFiles(pid: number | undefined, bytes: number | 'unlimited'): Promise<void> {
  await promisify(execFile)('prlimit', ['--pid', String(pid), `--fsize=${bytes}:unlimited`])
}

onStore('SQLite', (get) => {
  // only there the limit of a process that runs can be changed
  if (process.platform !== 'linux') return

  test('a server whose disk is full says so, logs why, reads on, and goes on when there is room', async (t) => {
    const { env } = get()
    const { orgId, key, workspaceId, channels } = await inStore(env, makeReported)
    const server = await serveDynamo({ ...env, LOG_LEVEL: 'error' })
    t.after(() => server.process.kill('SIGKILL'))
    const report = (batch: number) =>
      postSigned(`${server.url}/v1.0/user/properties`, key, {
        batch: Array.from({ length: ITEMS }, (_, item) => ({
          userId: `${batch}-${item}`,
          properties: [{ key: 'note', value: VALUE }],
        })),
      })
    await limitFiles(server.process.pid, LIMIT_BYTES)
    let written = 0
    let answer = await report(0)
    for (; answer.status === 200; answer = await report(written)) written += 1
    assert.equal(answer.status, 503)
    assert.equal(answer.headers.get('retry-after'), '1')
    assert.deepEqual(await answer.json(), { message: 'The store cannot write to its disk' })
    assert.ok(written * ITEMS * VALUE.length > LIMIT_BYTES, `${written} batches`)

    const list = `${server.url}/vip-users?workspaceId=${workspaceId}&mediumId=${channels[0]?.mediumId}`
    assert.equal((await getSigned<{ total: number }>(list, key)).total, 30)
    assert.equal((await report(written)).status, 503)
    await limitFiles(server.process.pid, 'unlimited')
    assert.equal((await report(written)).status, 200)
    assert.equal(await server.stop(), 0)
    const refused = server.output().match(/^\{"level":"error".*"status":503.*$/gm) ?? []
    assert.equal(refused.length, 2)
    for (const line of refused) {
      const { code, errcode, stack } = JSON.parse(line).error
      // SQLITE_IOERR, and which of its kinds
      assert.deepEqual([code, errcode & 0xff], ['ERR_SQLITE_ERROR', 10])
      assert.match(stack, /^Error: disk I\/O error\n {4}at .*writer\.ts/)
    }
    await inStore(env, async (store) => {
      const { notes } = await store.db
        .selectFrom('properties as p')
        .select((is) => is.fn.countAll<number>().as('notes'))
        .where('p.org_id', '=', orgId)
        .where('p.key', '=', 'note')
        .executeTakeFirstOrThrow()
      assert.equal(notes, (written + 1) * ITEMS)
      assert.deepEqual(await verifyStore(store, { orgId }), [])
    })
  })
})
