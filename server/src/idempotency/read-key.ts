import type { FastifyReply, FastifyRequest } from 'fastify'
import { errors } from '../http/errors.ts'
import type { Secrets } from '../secrets.ts'

const PRINTABLE = /^[ -~]{1,255}$/

/**
 * The hook of routes that write: what an `Idempotency-Key` and the body are known by is left on the request. Neither is
 * kept itself: both may hold a user's id.
 *
 * @throws ApiError 400 where the key is malformed
 */
export function createKeyReader({ hash }: Pick<Secrets, 'hash'>) {
  return (request: FastifyRequest, _reply: FastifyReply, done: (error?: Error) => void): void => {
    const { method, headers, routeOptions, caller, bodyBytes } = request
    const key = headers['idempotency-key']
    if (key === undefined || method !== 'POST') {
      done()
      return
    }
    if (!PRINTABLE.test(String(key))) {
      done(errors.malformedIdempotencyKey())
      return
    }
    const route = `${method} ${routeOptions.url}`
    request.idempotency = {
      route,
      keyHash: hash(JSON.stringify([caller.orgId, route, key])),
      bodyHash: hash(bodyBytes ?? ''),
    }
    done()
  }
}
