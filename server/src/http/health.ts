import type { FastifyInstance } from 'fastify'
import type { Store } from '../database/store.ts'
import { errors } from './errors.ts'

/** A store that takes longer to say that it is there would keep requests waiting. */
const PING_MS = 2000

/** `GET /healthz`: the process is up. `GET /readyz`: it can also answer requests. */
export function healthRoutes(app: FastifyInstance, store: Pick<Store, 'ping'>): void {
  let isClosing = false
  app.addHook('preClose', async () => {
    isClosing = true
  })

  app.get(
    '/healthz',
    { config: { operation: async () => (await import('./service-operations.ts')).liveOperation } },
    (_request, reply) => {
      reply.header('cache-control', 'no-store').send({ status: 'up' })
    },
  )

  app.get(
    '/readyz',
    { config: { operation: async () => (await import('./service-operations.ts')).readyOperation } },
    async (_request, reply) => {
      reply.header('cache-control', 'no-store')
      if (isClosing) throw errors.notReady('The server is stopping')
      try {
        await withinTime(store.ping())
      } catch (error) {
        throw errors.notReady('The store does not answer', error)
      }
      return { status: 'ready' }
    },
  )
}

async function withinTime(work: Promise<void>): Promise<void> {
  const { promise, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(() => reject(new Error(`No answer within ${PING_MS} ms`)), PING_MS)
  try {
    await Promise.race([work, promise])
  } finally {
    clearTimeout(timer)
  }
}
