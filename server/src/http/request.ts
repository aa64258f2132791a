import type { Idempotency } from '../idempotency/idempotent.ts'
import type { Caller } from './callers.ts'
import type { Operation } from './operation.ts'
import type { ReadTrace } from './request-log.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** set before a signed route runs; null, whatever its type says, on any other */
    caller: Caller
    /** milliseconds on the process's own clock */
    startMs: number
    /** the body as it came, where there was one */
    bodyBytes: Buffer | null
    /** where the request carries an `Idempotency-Key`; a write is given it with its arguments */
    idempotency: Idempotency | null
    trace: ReadTrace | null
    /** what our own fault was, for the log alone */
    failure: unknown
  }

  interface FastifyContextConfig {
    /** what the reference says of the route; loaded when somebody reads it, since starts are to be fast */
    operation?: () => Promise<Operation>
  }
}
