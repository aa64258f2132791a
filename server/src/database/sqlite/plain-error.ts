import { ApiError } from '../../http/errors.ts'

/** An error in a form that crosses a thread and keeps its class, status and details, and what the log tells of it. */
export interface PlainError {
  message: string
  stack: string | undefined
  code?: string
  /** SQLite's own number of it */
  errcode?: number
  api?: { statusCode: number; details: unknown; retryAfterSeconds: number | undefined; headers: Record<string, string> }
  cause?: PlainError
}

export function errorToPlain(error: unknown): PlainError {
  if (!(error instanceof Error)) return { message: String(error), stack: undefined }
  const plain: PlainError = { message: error.message, stack: error.stack }
  const { code, errcode } = error as { code?: unknown; errcode?: unknown }
  if (code !== undefined) plain.code = String(code)
  if (typeof errcode === 'number') plain.errcode = errcode
  if (error.cause instanceof Error) plain.cause = errorToPlain(error.cause)
  if (error instanceof ApiError) {
    const { statusCode, details, retryAfterSeconds, headers } = error
    plain.api = { statusCode, details, retryAfterSeconds, headers }
  }
  return plain
}

export function errorFromPlain({ message, api, cause: plainCause, ...plain }: PlainError): Error {
  const cause = plainCause && errorFromPlain(plainCause)
  const error = api ? apiError(message, api, cause) : new Error(message, { cause })
  // the stack is that of where it was thrown
  return Object.assign(error, plain)
}

function apiError(message: string, api: NonNullable<PlainError['api']>, cause: Error | undefined): ApiError {
  const { statusCode, details, retryAfterSeconds, headers } = api
  return new ApiError(statusCode, message, {
    cause,
    details,
    headers,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  })
}
