import assert from 'node:assert/strict'
import { test } from 'node:test'
import { holdPort } from './hold-port.ts'

const HOST = '127.0.0.1'

test('a server that starts is up and not ready, and leaves its port to the one that takes over', async () => {
  const held = await holdPort({ host: HOST, port: 0 })
  const url = `http://${HOST}:${held.port}`
  const live = await fetch(`${url}/healthz?probe=1`)
  assert.deepEqual([live.status, await live.json()], [200, { status: 'up' }])
  for (const path of ['/readyz', '/vip-users', '/healthz/', '//']) {
    const answer = await fetch(url + path, { method: path === '/vip-users' ? 'POST' : 'GET' })
    assert.deepEqual([answer.status, await answer.json()], [503, { message: 'The server is starting' }], path)
    assert.deepEqual([answer.headers.get('retry-after'), answer.headers.get('connection')], ['1', 'close'])
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff')
    assert.match(answer.headers.get('x-server-time') ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    assert.match(answer.headers.get('x-request-id') ?? '', /^[\w-]{10,}$/)
  }
  await assert.rejects(holdPort({ host: HOST, port: held.port }), { code: 'EADDRINUSE' })
  await held.release()
  await held.release()
  const next = await holdPort({ host: HOST, port: held.port })
  assert.equal(next.port, held.port)
  await next.release()
})
