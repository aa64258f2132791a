import { Socket } from 'node:net'
import type { FastifyRequest } from 'fastify'

/**
 * Does work during which no byte goes over the request's connection, for as long as it takes: without this the server
 * resets a connection that is silent. Before the answer the connection has its time-out again.
 */
export async function withoutTimeout<T>({ raw: { socket } }: FastifyRequest, work: () => Promise<T>): Promise<T> {
  // an injected request has none
  if (!(socket instanceof Socket)) return await work()
  const { timeout = 0 } = socket
  socket.setTimeout(0)
  try {
    return await work()
  } finally {
    socket.setTimeout(timeout)
  }
}
