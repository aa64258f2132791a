import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { Timeouts } from '../src/app.ts'
import { createLog } from '../src/http/request-log.ts'
import { NOW, openTestStore, testApp } from './app.ts'

let opened: Awaited<ReturnType<typeof openTestStore>>

before(async () => {
  opened = await openTestStore()
})
after(() => opened.remove())

const TIMEOUTS: Timeouts = { headersMs: 50, requestMs: 100, checkMs: 20, connectionMs: 60_000, keepAliveMs: 60_000 }

/** The app with a route that takes a body and one that waits to be let go. */
function appWithBody() {
  const { app } = testApp(opened.store, {}, { timeouts: TIMEOUTS })
  app.post('/echo', (request) => ({ body: request.body }))
  return app
}

async function withPort(app: FastifyInstance, use: (port: number) => Promise<void>): Promise<void> {
  await app.listen({ port: 0, host: '127.0.0.1' })
  try {
    await use((app.server.address() as AddressInfo).port)
  } finally {
    await app.close()
  }
}

/** All that the server sends on a bare socket until it closes it. */
async function exchange(port: number, request: string): Promise<{ status: number; head: string; body: unknown }> {
  const socket = connect(port, '127.0.0.1')
  socket.write(request)
  const answer = await text(socket)
  const [head = '', body = ''] = answer.split('\r\n\r\n')
  return { status: Number(head.split(' ')[1]), head: head.toLowerCase(), body: body === '' ? null : JSON.parse(body) }
}

test('every answer tells the server time and its own id, and is not to be sniffed', async () => {
  const { app } = testApp(opened.store)
  const ids = new Set<unknown>()
  for (const url of ['/', '/healthz', '/nowhere', '/vip-users', '/%zz', '/docs', '/openapi.json']) {
    const { headers } = await app.inject(url)
    assert.equal(headers['x-server-time'], new Date(NOW).toISOString(), url)
    assert.equal(headers['x-content-type-options'], 'nosniff', url)
    ids.add(headers['x-request-id'])
  }
  assert.equal(ids.size, 7)
})

test('an unknown route is 404, also with a body that nobody would read', async () => {
  const { app } = testApp(opened.store)
  for (const [method, url] of [
    ['GET', '/nowhere'],
    ['POST', '/nowhere'],
    ['OPTIONS', '/nowhere'],
    ['GET', '/externalApi/v2/vip-users'],
    ['GET', '/externalApi/v1/nowhere'],
    ['GET', '/sample/pictures/200.svg'],
    ['GET', '/sample/pictures/07.svg'],
    ['GET', `/sample/pictures/${'9'.repeat(500)}.svg`],
  ] as const) {
    const answer = await app.inject({ method, url, payload: method === 'POST' ? 'x'.repeat(100) : '' })
    assert.deepEqual([answer.statusCode, answer.json()], [404, { message: 'Not found' }], `${method} ${url}`)
  }
})

test('a wrong method is 405 and names the right ones, whoever asks', async () => {
  const { app } = testApp(opened.store)
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND'] as const) {
    for (const url of ['/vip-users', '/vip-users/?x=1', '/externalApi/v1/channels', '/healthz']) {
      const answer = await app.inject({
        method: method as 'POST',
        url,
        headers: { 'content-type': 'text/xml' },
        payload: '<',
      })
      assert.deepEqual([answer.statusCode, answer.json()], [405, { message: 'Method not allowed' }])
      assert.equal(answer.headers.allow, 'GET, HEAD, OPTIONS')
    }
  }
})

test('OPTIONS tells the methods and nothing that would let a browser in', async () => {
  const { app } = testApp(opened.store)
  const headers = { origin: 'https://evil.example.com', 'access-control-request-method': 'GET' }
  const answer = await app.inject({ method: 'OPTIONS', url: '/vip-users', headers })
  assert.equal(answer.statusCode, 204)
  assert.equal(answer.headers.allow, 'GET, HEAD, OPTIONS')
  assert.deepEqual(
    Object.keys(answer.headers).filter((name) => name.startsWith('access-control')),
    [],
  )
})

test('an address whose path cannot be decoded is 400', async () => {
  const { app } = testApp(opened.store)
  for (const url of ['/%zz', '/vip-users%', '/%ff']) {
    const answer = await app.inject(url)
    assert.deepEqual(
      [answer.statusCode, answer.json()],
      [400, { message: 'Address is not valid percent-encoded UTF-8' }],
      url,
    )
  }
})

test('a body that is no JSON, of another type or empty is refused with a message', async () => {
  const app = appWithBody()
  const unsupported = [415, { message: 'Content-Type must be application/json' }]
  const malformed = [400, { message: 'Body is not valid JSON' }]
  for (const [type, payload, expected] of [
    ['application/json', '{"a":1}', [200, { body: { a: 1 } }]],
    ['application/json; charset=utf-8', '[]', [200, { body: [] }]],
    ['application/json', '{"a":', malformed],
    ['application/json', '', malformed],
    ['application/json', '{"__proto__":1}', malformed],
    ['text/plain', 'a', unsupported],
    ['application/xml', '<a/>', unsupported],
    ['nonsense', 'a', unsupported],
  ] as const) {
    const answer = await app.inject({ method: 'POST', url: '/echo', headers: { 'content-type': type }, payload })
    assert.deepEqual([answer.statusCode, answer.json()], expected, `${type} ${payload}`)
  }
})

test('a body of 4 MiB is read, one byte more is 413', async () => {
  const app = appWithBody()
  const headers = { 'content-type': 'application/json' }
  const whole = JSON.stringify('x'.repeat(4 * 1024 * 1024 - 2))
  assert.equal((await app.inject({ method: 'POST', url: '/echo', headers, payload: whole })).statusCode, 200)
  const answer = await app.inject({ method: 'POST', url: '/echo', headers, payload: `${whole} ` })
  assert.deepEqual([answer.statusCode, answer.json()], [413, { message: 'Body is larger than 4 MiB' }])
})

test('of a body that is too large a client is told that, though it reads nothing until it has sent it', async () => {
  const { app } = testApp(opened.store)
  app.post('/echo', (request) => ({ body: request.body }))
  await withPort(app, async (port) => {
    for (const length of [`content-length: ${5e6}`, 'transfer-encoding: chunked']) {
      const socket = connect(port, '127.0.0.1')
      await once(socket, 'connect')
      socket.write(`POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${length}\r\n\r\n`)
      const isChunked = length.includes('chunked')
      const piece = 'x'.repeat(100_000)
      for (let sent = 0; sent < 50; sent++) {
        socket.write(isChunked ? `${piece.length.toString(16)}\r\n${piece}\r\n` : piece)
        await pause(4)
      }
      if (isChunked) socket.write('0\r\n\r\n')
      assert.match(await text(socket), /^HTTP\/1\.1 413 .*Body is larger than 4 MiB/s)
    }
  })
})

test('who asks first whether to send a body is told at once that it is too large, and otherwise to send it', async () => {
  const { app } = testApp(opened.store)
  app.post('/echo', (request) => ({ body: request.body }))
  await withPort(app, async (port) => {
    const start = 'POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nexpect: 100-continue\r\n'
    const tooLarge = await exchange(port, `${start}content-length: ${5e6}\r\n\r\n`)
    assert.deepEqual([tooLarge.status, tooLarge.body], [413, { message: 'Body is larger than 4 MiB' }])
    assert.match(tooLarge.head, /connection: close/)
    const socket = connect(port, '127.0.0.1')
    socket.write(`${start}content-length: 2\r\nconnection: close\r\n\r\n`)
    assert.equal(String((await once(socket, 'data'))[0]), 'HTTP/1.1 100 Continue\r\n\r\n')
    socket.write('[]')
    assert.match(await text(socket), /^HTTP\/1\.1 200 .*\{"body":\[\]\}$/s)
  })
})

test('CONNECT is 404, and its connection closed; it is no answer to what was asked before', async () => {
  const app = appWithBody()
  app.get('/waits', () => pause(50, {}))
  await withPort(app, async (port) => {
    const { status, head, body } = await exchange(port, 'CONNECT example.com:443 HTTP/1.1\r\nhost: example.com\r\n\r\n')
    assert.deepEqual([status, body], [404, { message: 'Not found' }])
    assert.match(head, /x-request-id: .+connection: close/s)
    const ahead = connect(port, '127.0.0.1')
    ahead.write('GET /waits HTTP/1.1\r\nhost: x\r\n\r\nCONNECT example.com:443 HTTP/1.1\r\nhost: example.com\r\n\r\n')
    assert.equal(await text(ahead), '')
    const rude = connect(port, '127.0.0.1')
    rude.write('CONNECT example.com:443 HTTP/1.1\r\nhost: example.com\r\n\r\n', () => rude.resetAndDestroy())
    await once(rude, 'close')
    assert.equal((await fetch(`http://127.0.0.1:${port}/healthz`)).status, 200)
  })
})

test('a body with a Content-Encoding is 415', async () => {
  const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' }
  const answer = await appWithBody().inject({ method: 'POST', url: '/echo', headers, payload: '[]' })
  assert.deepEqual(
    [answer.statusCode, answer.json()],
    [415, { message: 'The body must come without a Content-Encoding' }],
  )
})

test('our own fault is 500 with a general text, and only the log has its cause', async () => {
  const lines: string[] = []
  const log = createLog('info', { write: (line) => void lines.push(line) })
  const { app } = testApp(opened.store, {}, { log })
  app.get('/broken', () => {
    throw Object.assign(new Error('select secret from users'), { detail: 'Key (cuid)=(whale-1) exists' })
  })
  const answer = await app.inject('/broken')
  assert.deepEqual([answer.statusCode, answer.json()], [500, { message: 'Internal error' }])
  assert.equal(lines.length, 1)
  const line = JSON.parse(lines[0] ?? '')
  assert.equal(line.level, 'error')
  assert.equal(line.id, answer.headers['x-request-id'])
  assert.match(line.error.stack, /select secret from users/)
  assert.doesNotMatch(lines[0] ?? '', /whale-1/)
})

test('a store that is out of reach is 503 with a time to wait', async () => {
  const { app } = testApp(opened.store)
  const codes = ['ECONNREFUSED', 'EMFILE', 'ENFILE']
  app.get<{ Params: { code: string } }>('/unreachable/:code', ({ params: { code } }) => {
    throw Object.assign(new Error('connect'), { code })
  })
  for (const code of codes) {
    const answer = await app.inject(`/unreachable/${code}`)
    assert.deepEqual([answer.statusCode, answer.json()], [503, { message: 'Try again' }], code)
    assert.equal(answer.headers['retry-after'], '1')
  }
})

test('headers that are too large are 431, what is no HTTP is 400', async () => {
  await withPort(appWithBody(), async (port) => {
    const large = await exchange(port, `GET /healthz HTTP/1.1\r\nhost: x\r\nx-large: ${'x'.repeat(20_000)}\r\n\r\n`)
    assert.deepEqual([large.status, large.body], [431, { message: 'Address and headers are larger than 16 KiB' }])
    assert.match(large.head, /x-server-time: 2026-05-30t13:00:00.000z/)
    const hostless = await exchange(port, 'GET /healthz HTTP/1.1\r\nconnection: close\r\n\r\n')
    assert.deepEqual([hostless.status, hostless.body], [400, { message: 'Request is not valid HTTP' }])
    assert.match(hostless.head, /x-server-time: .+x-request-id: /s)
    for (const version of ['1.0', '1.1']) {
      const twoHosts = await exchange(
        port,
        `GET /healthz HTTP/${version}\r\nhost: x\r\nHost: x\r\nconnection: close\r\n\r\n`,
      )
      assert.deepEqual([twoHosts.status, twoHosts.body], [400, { message: 'Request is not valid HTTP' }])
    }
    const old = await exchange(port, 'GET /healthz HTTP/1.0\r\n\r\n')
    assert.deepEqual([old.status, old.body], [200, { status: 'up' }])
    const expecting = await exchange(
      port,
      'GET /healthz HTTP/1.1\r\nhost: x\r\nexpect: wonders\r\nconnection: close\r\n\r\n',
    )
    assert.deepEqual([expecting.status, expecting.body], [200, { status: 'up' }])
    const nonsense = await exchange(port, 'nonsense\r\n\r\n')
    assert.deepEqual([nonsense.status, nonsense.body], [400, { message: 'Request is not valid HTTP' }])
  })
})

test('what Node refuses before there is a request has an id of its own, which is in the log', async () => {
  const lines: string[] = []
  const log = createLog('info', { write: (line) => void lines.push(line) })
  await withPort(testApp(opened.store, {}, { log, timeouts: TIMEOUTS }).app, async (port) => {
    const ids: [string | undefined, number][] = []
    for (const request of [
      `GET /healthz HTTP/1.1\r\nhost: x\r\nx-large: ${'x'.repeat(20_000)}\r\n\r\n`,
      'nonsense\r\n\r\n',
      'GET /healthz HTTP/1.1\r\nhost: x\r\n',
    ]) {
      const { head, status } = await exchange(port, request)
      ids.push([/^x-request-id: (.+)$/m.exec(head)?.[1], status])
    }
    const logged = lines.map((line) => JSON.parse(line)).map(({ id, status }) => [id.toLowerCase(), status])
    assert.deepEqual(logged, ids)
    assert.deepEqual(
      ids.map(([, status]) => status),
      [431, 400, 408],
    )
    assert.equal(new Set(ids.map(([id]) => id)).size, 3)
  })
})

test('into an answer that is under way no other is written', async () => {
  const { app } = testApp(opened.store)
  const half = 'x'.repeat(1_000)
  const { promise: isRead, resolve: read } = Promise.withResolvers<void>()
  app.get('/halves', { config: { access: 'open' } }, (_request, reply) => {
    reply.hijack()
    reply.raw.writeHead(200, { 'content-length': 2 * half.length }).write(half)
    isRead.then(() => reply.raw.end(half))
  })
  await withPort(app, async (port) => {
    const socket = connect(port, '127.0.0.1')
    let answer = ''
    socket.on('data', (chunk) => {
      answer += chunk
    })
    socket.write('GET /halves HTTP/1.1\r\nhost: x\r\n\r\n')
    await once(socket, 'data')
    socket.write('nonsense\r\n\r\n')
    await once(socket, 'close')
    read()
    assert.match(answer, /^HTTP\/1\.1 200 /)
    assert.equal(answer.split('\r\n\r\n')[1], half)
  })
})

test('a request whose headers or body never end is 408', async () => {
  const expected = [408, { message: 'Request took too long to arrive' }]
  await withPort(appWithBody(), async (port) => {
    const headers = await exchange(port, 'GET /healthz HTTP/1.1\r\nhost: x\r\n')
    assert.deepEqual([headers.status, headers.body], expected)
    const start = 'POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n'
    const body = await exchange(port, `${start}{`)
    assert.deepEqual([body.status, body.body], expected)
  })
})

test('the signature is refused before a body has arrived', async () => {
  const { app } = testApp(opened.store)
  await withPort(app, async (port) => {
    const socket = connect(port, '127.0.0.1')
    socket.write('GET /vip-users HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n')
    const [chunk] = await once(socket, 'data')
    assert.match(String(chunk), /^HTTP\/1\.1 403 /)
    socket.destroy()
  })
})

test('while the server stops, what is in flight is answered and its connection closed', async () => {
  const { app } = testApp(opened.store)
  const started = Promise.withResolvers<void>()
  const letGo = Promise.withResolvers<void>()
  app.get('/slow', async () => {
    started.resolve()
    await letGo.promise
    return { done: true }
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const answer = exchange((app.server.address() as AddressInfo).port, 'GET /slow HTTP/1.1\r\nhost: x\r\n\r\n')
  await started.promise
  const closed = app.close()
  // closing has begun when the port takes no more connections
  while (app.server.listening) await new Promise((resolve) => setImmediate(resolve))
  letGo.resolve()
  const { status, head, body } = await answer
  assert.deepEqual([status, body], [200, { done: true }])
  assert.match(head, /connection: close/)
  await closed
})

test('an address with bytes outside ASCII is no HTTP', async () => {
  await withPort(appWithBody(), async (port) => {
    const { status, body } = await exchange(port, 'GET /channels?workspaceId=é HTTP/1.1\r\nhost: x\r\n\r\n')
    assert.deepEqual([status, body], [400, { message: 'Request is not valid HTTP' }])
  })
})
