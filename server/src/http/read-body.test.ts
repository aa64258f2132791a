import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { ApiError } from './errors.ts'
import { createBodyReader } from './read-body.ts'

const KIB = 1024
const MIB = 1024 * KIB

/** A server that answers how long a body was, or with what status it was refused. */
async function listen(maxHeld: number, givesWayMs?: number) {
  const read = createBodyReader(maxHeld, givesWayMs)
  const server = createServer((request, response) => {
    read(request).then(
      (body) => response.end(`${body.length}`),
      (error) => response.writeHead(error instanceof ApiError ? error.statusCode : 500).end(),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    post: (bytes: number) => fetch(`http://127.0.0.1:${port}`, { method: 'POST', body: new Uint8Array(bytes) }),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** A client that begins a body and does not end it. */
async function begin(port: number, headers: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write(`POST / HTTP/1.1\r\nhost: x\r\n${headers}\r\n\r\n`)
  return socket
}

test('a body of 4 MiB is read, a larger one refused, whether its length was told or not', async () => {
  await using server = await listen(16 * MIB)
  assert.equal(await (await server.post(4 * MIB)).text(), `${4 * MIB}`)
  assert.equal((await server.post(4 * MIB + 1)).status, 413)
  const socket = await begin(server.port, 'transfer-encoding: chunked')
  const chunk = `${(64 * KIB).toString(16)}\r\n${'x'.repeat(64 * KIB)}\r\n`
  socket.write(`${chunk.repeat(80)}0\r\n\r\n`)
  assert.match(String(await once(socket, 'data')), /^HTTP\/1\.1 413 /)
  socket.destroy()
})

test('bodies that do not end hold no more than they may, and others are refused until they have gone', async () => {
  await using server = await listen(100 * KIB)
  const slow = await begin(server.port, `content-length: ${64 * KIB}`)
  slow.write(new Uint8Array(60 * KIB))
  while ((await server.post(60 * KIB)).status !== 503) await pause(5)
  slow.destroy()
  while ((await server.post(60 * KIB)).status !== 200) await pause(5)
})

test('bodies that stall make room for others, the slowest first, and are refused when they end', async () => {
  await using server = await listen(100 * KIB, 50)
  const [first, second] = (await Promise.all(
    [64, 16].map((size) => begin(server.port, `content-length: ${size * KIB}`)),
  )) as [Socket, Socket]
  first.write(new Uint8Array(60 * KIB))
  while ((await server.post(60 * KIB)).status !== 503) await pause(5)
  second.write(new Uint8Array(10 * KIB))
  while ((await server.post(60 * KIB)).status !== 200) await pause(5)
  first.write(new Uint8Array(4 * KIB))
  assert.match(String(await once(first, 'data')), /^HTTP\/1\.1 503 /)
  second.write(new Uint8Array(6 * KIB))
  assert.match(String(await once(second, 'data')), /^HTTP\/1\.1 200 [\s\S]*16384$/)
  for (const socket of [first, second]) socket.destroy()
})

test('a body that comes in chunks of a byte takes no more memory than another', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc')
  await using server = await listen(16 * MIB)
  const socket = await begin(server.port, 'transfer-encoding: chunked')
  const usedBytes = () => {
    collect()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }
  const before = usedBytes()
  const chunks = '1\r\nx\r\n'.repeat(10_000)
  for (let sent = 0; sent < 50; sent++) if (!socket.write(chunks)) await once(socket, 'drain')
  const grown = usedBytes() - before
  assert(grown < 8 * MIB, `${grown} bytes for half a million`)
  socket.end('0\r\n\r\n')
  assert.match(String(await once(socket, 'data')), /\r\n\r\n(?:6\r\n)?500000/)
})
