import { ApiError } from '../../http/errors.ts'

/** An error in a form that crosses a thread and keeps its class, status and details. */
export interface PlainError {
  message: string
  stack: string | undefined
  api?: { statusCode: number; details: unknown; retryAfterSeconds: number | undefined; headers: Record<string, string> }
  cause?: string
}

export function errorToPlain(error: unknown): PlainError {
  if (!(error instanceof Error)) return { message: String(error), stack: undefined }
  const plain: PlainError = { message: error.message, stack: error.stack }
  if (error.cause instanceof Error) plain.cause = error.cause.message
  if (error instanceof ApiError) {
    const { statusCode, details, retryAfterSeconds, headers } = error
    plain.api = { statusCode, details, retryAfterSeconds, headers }
  }
  return plain
}

export function errorFromPlain({ message, stack, api, cause }: PlainError): Error {
  if (!api) return Object.assign(new Error(message, { cause }), stack === undefined ? {} : { stack })
  const { statusCode, details, retryAfterSeconds, headers } = api
  return new ApiError(statusCode, message, {
    cause,
    details,
    headers,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  })
}
