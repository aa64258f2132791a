import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** No client sends so many ahead of the answers; whoever does keeps them in our memory. */
const MAX_AHEAD = 100

/**
 * A hook that takes up what a client sends ahead over one connection one after the other, in the order in which HTTP has
 * it answered: hundreds of costly requests then keep others waiting no more than one does.
 *
 * @see RFC 9112, section 9.3.2
 */
export function createOneAtATime() {
  const lines = new WeakMap<Socket, { last: ServerResponse | null; waiting: number }>()

  return ({ socket }: FastifyRequest, { raw }: FastifyReply, begin: () => void): void => {
    const line = lines.get(socket) ?? { last: null, waiting: 0 }
    lines.set(socket, line)
    const before = line.last
    line.last = raw
    if (!before || before.closed) {
      begin()
      return
    }
    line.waiting += 1
    if (line.waiting > MAX_AHEAD) socket.destroy()
    before.once('close', () => {
      line.waiting -= 1
      begin()
    })
  }
}
