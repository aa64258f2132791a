import assert from 'node:assert/strict'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { openTestStore, testApp } from './app.ts'

let opened: Awaited<ReturnType<typeof openTestStore>>
let app: FastifyInstance
let port: number
let running = 0
let mostAtOnce = 0
const taken: string[] = []

before(async () => {
  opened = await openTestStore()
  app = testApp(opened.store).app
  app.post<{ Params: { name: string } }>('/slow/:name', async (request) => {
    taken.push(request.params.name)
    mostAtOnce = Math.max(mostAtOnce, ++running)
    await new Promise(setImmediate)
    running -= 1
    return request.body
  })
  let waiting: (() => void)[] = []
  app.get('/together', async () => {
    await new Promise<void>((resolve) => {
      waiting.push(resolve)
      if (waiting.length < 3) return
      for (const go of waiting) go()
      waiting = []
    })
    return {}
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  port = (app.server.address() as AddressInfo).port
})
after(async () => {
  await app.close()
  await opened.remove()
})

function post(name: string, connection = 'keep-alive'): string {
  const body = JSON.stringify({ name })
  return `POST /slow/${name} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: ${connection}\r\ncontent-length: ${body.length}\r\n\r\n${body}`
}

test('what a client sends ahead over one connection is taken up one after the other', async () => {
  const names = Array.from({ length: 100 }, (_, index) => `n${index}`)
  const socket = connect(port, '127.0.0.1')
  socket.write(`${names.map((name) => post(name)).join('')}${post('last', 'close')}`)
  const answers = (await text(socket)).matchAll(/\{"name":"(\w+)"\}/g)
  assert.deepEqual(
    [...answers].map(([, name]) => name),
    [...names, 'last'],
  )
  assert.deepEqual([mostAtOnce, taken], [1, [...names, 'last']])
})

test('requests on several connections do not wait for each other', async () => {
  const sockets = [1, 2, 3].map(() => connect(port, '127.0.0.1'))
  for (let round = 0; round < 2; round++) {
    const answers = sockets.map((socket) => new Promise((resolve) => socket.once('data', resolve)))
    for (const socket of sockets) socket.write('GET /together HTTP/1.1\r\nhost: x\r\n\r\n')
    await Promise.all(answers)
  }
  for (const socket of sockets) socket.destroy()
})

test('a client that sends more than 101 requests ahead of their answers is cut off', async () => {
  taken.length = 0
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write(Array.from({ length: 102 }, (_, index) => post(`x${index}`)).join(''))
  await new Promise((resolve) => socket.once('close', resolve))
  assert.ok(taken.length < 102)
})
