import type { FastifyReply, FastifyRequest } from 'fastify'
import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino'

/** What a request read, as far as the log may know it: enough to say who read which list. */
export interface ReadTrace {
  workspaceId?: string
  mediumId?: string
  returned?: number
}

/**
 * The service's log, one JSON object a line.
 *
 * @param destination  asynchronous where speed counts: `pino.destination({ sync: false })`
 */
export function createLog(level: string, destination: DestinationStream): Logger {
  const options = { level, base: null, formatters: { level: (label: string) => ({ level: label }) } }
  return pino({ ...options, timestamp: stdTimeFunctions.isoTime }, destination)
}

/**
 * One line a request: never its address, query or headers, which carry secrets, names and users' ids.
 *
 * @param ms  from the request's headers having been read to the answer being handed to the socket
 */
export function logRequest(log: Logger, request: FastifyRequest, reply: FastifyReply, route: string, ms: number): void {
  const { caller, trace, failure } = request
  const line = {
    id: request.id,
    method: request.method,
    route,
    key: caller?.apiKey,
    organization: caller?.organizationId,
    workspaceId: trace?.workspaceId,
    mediumId: trace?.mediumId,
    returned: trace?.returned,
    status: reply.statusCode,
    ms: Math.round(ms * 1000) / 1000,
  }
  // not there yet where the framework refuses an address
  if (failure === null || failure === undefined) log.info(line)
  else log.error({ ...line, error: describeFailure(failure) })
}

/** Codes and stack alone: a database's details quote values of the row. Only `errcode` tells SQLite's failures apart. */
function describeFailure(failure: unknown): unknown {
  if (!(failure instanceof Error)) return { stack: typeof failure }
  const { code, errcode } = failure as { code?: unknown; errcode?: unknown }
  const cause = failure.cause === undefined ? undefined : describeFailure(failure.cause)
  return { code: code === undefined ? undefined : String(code), errcode, stack: failure.stack, cause }
}
