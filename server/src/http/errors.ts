import type { InputFault } from './input.ts'

interface ApiErrorOptions {
  cause?: unknown
  /** more of the body, as the contract's page of the operation names it; of a 422 the faults, which are all of it */
  details?: unknown
  retryAfterSeconds?: number
  headers?: Record<string, string>
  /** why signing failed, as the metrics count it */
  signingFault?: SigningFault
}

export type SigningFault = 'headers' | 'date' | 'expired' | 'signature' | 'revoked' | 'scope' | 'inactive' | 'webhook'

/** An answer other than 2xx: `{ message, details? }` with this status. Made only by the table below. */
export class ApiError extends Error {
  readonly statusCode: number
  readonly details: unknown
  readonly retryAfterSeconds: number | undefined
  readonly headers: Record<string, string>
  readonly signingFault: SigningFault | undefined

  constructor(statusCode: number, message: string, options: ApiErrorOptions = {}) {
    super(message, { cause: options.cause })
    this.name = 'ApiError'
    this.statusCode = statusCode
    this.details = options.details
    this.retryAfterSeconds = options.retryAfterSeconds
    this.headers = options.headers ?? {}
    this.signingFault = options.signingFault
  }
}

/** So many faults of an input are told: nobody reads more, and the answer must stay small. */
export const MAX_FAULTS = 1000

/**
 * Every status and sentence that the API answers with; they live nowhere else.
 *
 * @see contract, "Errors"
 */
export const errors = {
  malformedAddress: () => new ApiError(400, 'Address is not valid percent-encoded UTF-8'),
  notAVipWorkspace: () => new ApiError(400, 'Workspace is not a VIP workspace'),
  unknownChannel: () => new ApiError(400, 'Unknown channel, or not connected to this workspace'),
  malformedJson: () => new ApiError(400, 'Body is not valid JSON'),
  malformedIdempotencyKey: () => new ApiError(400, 'Idempotency-Key is not 1 to 255 printable ASCII characters'),
  organizationInactive: () => new ApiError(402, 'Organization is inactive', { signingFault: 'inactive' }),
  missingSigningHeaders: () =>
    new ApiError(403, 'Missing x-api-key, x-date or x-signature header', { signingFault: 'headers' }),
  malformedDate: () =>
    new ApiError(403, 'x-date is not an ISO-8601 date and time or an HTTP date', { signingFault: 'date' }),
  signatureExpired: (details: { skewMs: number; minSkewMs: number; maxSkewMs: number }) =>
    new ApiError(403, 'Signature expired', { details, signingFault: 'expired' }),
  badSignature: () => new ApiError(403, 'Unknown API key or wrong signature', { signingFault: 'signature' }),
  keyRevoked: () => new ApiError(403, 'API key is revoked', { signingFault: 'revoked' }),
  outsideScope: (scope: string) => new ApiError(403, `API key lacks the scope ${scope}`, { signingFault: 'scope' }),
  webhookForbidden: () => new ApiError(403, 'Wrong signature or verify token'),
  metricsForbidden: () => new ApiError(403, 'Metrics need the bearer token'),
  exportForbidden: () => new ApiError(403, 'The address has expired, or was not made by this service'),
  unknownWorkspace: () => new ApiError(404, 'Unknown workspace'),
  exportDeleted: () => new ApiError(404, 'The file is deleted'),
  unknownRoute: () => new ApiError(404, 'Not found'),
  methodNotAllowed: (allow: string) => new ApiError(405, 'Method not allowed', { headers: { allow } }),
  requestTimeout: () => new ApiError(408, 'Request took too long to arrive'),
  exportChanged: () => new ApiError(412, 'The file is not the one that If-Match or If-Unmodified-Since names'),
  rangeNotSatisfiable: (contentRange: string) =>
    new ApiError(416, 'The range is not in the file', { headers: { 'content-range': contentRange } }),
  headersTooLarge: () => new ApiError(431, 'Address and headers are larger than 16 KiB'),
  malformedRequest: () => new ApiError(400, 'Request is not valid HTTP'),
  /** nobody reads it; the log and the metrics do, under the number that proxies use */
  hungUp: () => new ApiError(499, 'The client has hung up'),
  internal: (cause: unknown) => new ApiError(500, 'Internal error', { cause }),
  exportFailed: (cause: unknown) => new ApiError(500, 'The file could not be stored', { cause }),
  tooManyExports: () => new ApiError(503, 'Too many exports run and wait', { retryAfterSeconds: 10 }),
  exportsNotDeleted: (cause: unknown) =>
    new ApiError(503, 'Erased, but stored exports could not be deleted: try again', { cause, retryAfterSeconds: 5 }),
  unsupportedMediaType: () => new ApiError(415, 'Content-Type must be application/json'),
  encodedBody: () =>
    new ApiError(415, 'The body must come without a Content-Encoding', { headers: { 'accept-encoding': 'identity' } }),
  bodyTooLarge: () => new ApiError(413, 'Body is larger than 4 MiB'),
  tooManyBodies: () => new ApiError(503, 'Too many bodies arrive at once', { retryAfterSeconds: 1 }),
  notReady: (message: string, cause?: unknown) => new ApiError(503, message, { cause, retryAfterSeconds: 1 }),
  storeBusy: (cause: unknown) => new ApiError(503, 'Try again', { cause, retryAfterSeconds: 1 }),
  storeFull: (cause: unknown) => new ApiError(507, 'The store is full', { cause }),
  storeCannotWrite: (cause: unknown) =>
    new ApiError(503, 'The store cannot write to its disk', { cause, retryAfterSeconds: 1 }),
  malformedUtf8: () =>
    inputError([{ message: 'Body is not valid UTF-8', path: [], type: 'string.encoding', context: {} }]),
  ltvTooLarge: (indexes: number[]) =>
    inputError(
      indexes.map((index) => ({
        message: 'The LTV of a user would pass 9,000,000,000,000',
        path: [index, 'revenue'],
        type: 'revenue.ltv',
        context: { limit: 9e12 },
      })),
    ),
  tooManyProperties: (indexes: number[], limit: number) =>
    inputError(
      indexes.map((index) => ({
        message: `A user has at most ${limit} properties`,
        path: [index, 'properties'],
        type: 'properties.max',
        context: { limit },
      })),
    ),
  unknownLinks: (details: { index: number; d10xLinkId: string }[]) =>
    new ApiError(404, 'Unknown D10x link id', { details }),
  purchaseConflict: (details: { index: number; purchaseId: string }[]) =>
    new ApiError(409, 'A purchase id was used before with another user or revenue', { details }),
  idempotencyKeyReused: () => new ApiError(409, 'The Idempotency-Key came with another body before'),
  idempotencyKeyInUse: (cause?: unknown) =>
    new ApiError(409, 'The first request with this Idempotency-Key still runs', { cause, retryAfterSeconds: 1 }),
  channelTaken: () => new ApiError(409, 'The channel belongs to an organization already'),
}

/** Faults that only a rule or the store can see, told like the schema's. Of an item the path begins with its index. */
function inputError(faults: InputFault[]): ApiError {
  return new ApiError(422, faults[0]?.message ?? '', { details: faults.slice(0, MAX_FAULTS) })
}
