import type { FastifyReply, FastifyRequest } from 'fastify'
import { ApiError, errors } from './errors.ts'
import { InputError } from './input.ts'

/** The framework's own errors that the contract has a sentence for. */
const FRAMEWORK_ERRORS: Record<string, () => ApiError> = {
  FST_ERR_BAD_URL: errors.malformedAddress,
  FST_ERR_MAX_PARAM_LENGTH: errors.unknownRoute,
  FST_ERR_CTP_INVALID_MEDIA_TYPE: errors.unsupportedMediaType,
  FST_ERR_CTP_EMPTY_TYPE: errors.unsupportedMediaType,
  FST_ERR_CTP_EMPTY_JSON_BODY: errors.malformedJson,
  FST_ERR_CTP_INVALID_JSON_BODY: errors.malformedJson,
}

/**
 * A store that is busy, restarting or out of reach: PostgreSQL's classes 08, 28, 53 (but a full disk), 55 and 57, a
 * database that is gone, a lost socket, or none to be had while all that the system allows are open.
 */
const BUSY = /^(?:08|28|3D000|53(?!100)|55|57|40001|40P01|ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EMFILE|ENFILE)/
/** What pg says without a code: all of its connections are taken for too long, or the one that was used is lost. */
const NO_CONNECTION =
  /^(?:timeout exceeded when trying to connect|Connection terminated|Client has encountered a connection error)/
const SQLITE_BUSY = 5
const SQLITE_FULL = 13

/**
 * Answers every error there is: ours as it says, a wrong shape with 422 and Joi's details, the framework's own 4xx with
 * its sentence, anything else with 500 and nothing of its cause, which is left for the log.
 *
 * @see contract, "Errors"
 */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  if (error instanceof InputError) {
    reply.code(422).send({ error: error.details })
    return
  }
  const answer = toApiError(error)
  if (answer.statusCode >= 500) request.failure = answer.cause ?? error
  reply.code(answer.statusCode).headers(answer.headers)
  if (answer.retryAfterSeconds !== undefined) reply.header('retry-after', String(answer.retryAfterSeconds))
  reply.send(bodyOf(answer))
}

export function bodyOf(error: ApiError): { message: string; details?: unknown } | { error: unknown } {
  if (error.statusCode === 422) return { error: error.details }
  return error.details === undefined ? { message: error.message } : { message: error.message, details: error.details }
}

export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  if (!(error instanceof Error)) return errors.internal(error)
  const { code, errcode, statusCode } = error as Error & { code?: unknown; errcode?: unknown; statusCode?: unknown }
  const known = FRAMEWORK_ERRORS[String(code)]
  if (known) return known()
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return error instanceof SyntaxError ? errors.malformedJson() : new ApiError(statusCode, error.message)
  }
  if (BUSY.test(String(code)) || NO_CONNECTION.test(error.message) || errcode === SQLITE_BUSY)
    return errors.storeBusy(error)
  return code === '53100' || errcode === SQLITE_FULL ? errors.storeFull(error) : errors.internal(error)
}
