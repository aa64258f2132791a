import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Caller, Callers, Scope } from './callers.ts'
import { ApiError } from './errors.ts'
import type { Metrics } from './metrics.ts'
import { readSigningHeaders, type SkewBounds } from './signing.ts'

interface AuthenticateOptions {
  callers: Callers
  bounds: SkewBounds
  metrics: Metrics
  /** epoch ms */
  now: () => number
  /** what the key has to be allowed */
  scope: Scope
}

/**
 * The hook of signed routes: it runs before the body is read, leaves the caller on the request, and keeps the answer,
 * whatever it will be, out of shared caches.
 *
 * @see contract, "Signing: every request, three headers"
 */
export function createAuthenticate({ callers, bounds, metrics, now, scope }: AuthenticateOptions) {
  function refuse(error: unknown, done: (error: Error) => void): void {
    if (error instanceof ApiError && error.signingFault) metrics.countSigningFault(error.signingFault)
    done(error instanceof Error ? error : new Error(String(error)))
  }

  return (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void => {
    reply.header('vary', 'x-api-key').header('cache-control', 'no-store')
    let caller: Caller | Promise<Caller>
    try {
      const nowMs = now()
      caller = callers.identify(readSigningHeaders(request.headers, nowMs, bounds), scope, nowMs)
    } catch (error) {
      refuse(error, done)
      return
    }
    if (!(caller instanceof Promise)) {
      request.caller = caller
      done()
      return
    }
    caller.then(
      (found) => {
        request.caller = found
        done()
      },
      (error: unknown) => refuse(error, done),
    )
  }
}
