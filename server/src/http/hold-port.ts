import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { bodyOf } from './error-handler.ts'
import { errors } from './errors.ts'
import { createRequestId } from './request-id.ts'

export interface HeldPort {
  /** the one that was asked for; where that was 0, one that is free */
  port: number
  /** lets go of it, for the server that takes over; again, nothing happens */
  release: () => Promise<void>
}

/**
 * Holds the service's port until it can answer: while the store is brought up to date, or the sample is loaded, the
 * process is up (`/healthz`) and answers all else that it is not ready, 503.
 *
 * @throws what `listen` says of an address that cannot be had
 */
export async function holdPort({ host, port }: { host: string; port: number }): Promise<HeldPort> {
  const server = createServer(answerStarting)
  server.listen({ host, port })
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    async release() {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

const requestId = createRequestId()

const answerStarting: RequestListener = (request, response) => {
  const isLive = request.url?.split('?', 1)[0] === '/healthz'
  const failure = errors.notReady('The server is starting')
  response.writeHead(isLive ? 200 : failure.statusCode, {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    'x-server-time': new Date().toISOString(),
    'x-request-id': requestId(),
    'x-content-type-options': 'nosniff',
    // the next request is to meet the server that takes over
    connection: 'close',
    ...(!isLive && { 'retry-after': String(failure.retryAfterSeconds) }),
  })
  response.end(JSON.stringify(isLive ? { status: 'up' } : bodyOf(failure)))
}
