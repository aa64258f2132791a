import type BaseJoi from 'joi'
import { type TSchema, Type } from 'typebox'
import type { Scope } from './callers.ts'
import { type ApiError, errors } from './errors.ts'

/** What the reference says of a route; it lies in the route's `config.operation`. */
export interface Operation {
  operationId: string
  tag: 'Directory' | 'VIP users' | 'Audience' | 'Webhooks' | 'Service'
  summary: string
  description: string
  /** what a key has to be allowed; null where nothing is signed */
  scope: Scope | null
  /** the schemas that the route validates its input with */
  params?: BaseJoi.ObjectSchema
  query?: BaseJoi.ObjectSchema
  body?: Body
  /** headers that the route reads, each of which may be left out; signing's and `Idempotency-Key` are added */
  requestHeaders?: Record<string, Header>
  /** of every answer that the route itself gives; signed ones have those of `SIGNED_HEADERS` beside them */
  headers?: Headers
  ok: Answer | EmptyAnswer
  /** answers without a body and with the headers of `ok`, by status: when they come */
  empty?: Record<number, string>
  /** what the route itself may throw; signing and the store's failures are added for signed ones */
  failures?: ApiError[]
  /** when a status comes, where it is not as in `STATUS_MEANINGS` or `WRITE_MEANINGS` */
  meanings?: Record<number, string>
}

export interface Body {
  schema: BaseJoi.AnySchema
  /** by name; the first one is sent by the sample of a request, the last one shows where faults are told */
  examples: Record<string, object>
}

export interface Header {
  description: string
  schema: TSchema
  example: unknown
}

/** By name. */
export type Headers = Record<string, Header | { $ref: string }>

/** 200 without a body. */
export interface EmptyAnswer {
  description: string
  headers?: Headers
}

export interface Answer extends EmptyAnswer {
  mediaType: string
  /** a schema with an `$id` becomes a component of that name */
  schema: TSchema
  example: unknown
}

/** A field that is always there and null where nothing is known. */
export function nullable(type: 'string' | 'integer', description: string) {
  return Type.Unsafe<string | number | null>({ type: [type, 'null'], description })
}

/** Headers that many answers have: the components to which those answers refer. */
export const COMMON_HEADERS: Record<'NoStore' | 'VaryByKey', Header> = {
  NoStore: { description: 'Nobody keeps the answer', schema: Type.Literal('no-store'), example: 'no-store' },
  VaryByKey: {
    description: "One key's answer is never another's",
    schema: Type.Literal('x-api-key'),
    example: 'x-api-key',
  },
}

export const NO_STORE: Headers = { 'Cache-Control': { $ref: '#/components/headers/NoStore' } }

/** What every answer of a signed route has, from the look at the signature on. */
export const SIGNED_HEADERS: Headers = { Vary: { $ref: '#/components/headers/VaryByKey' }, ...NO_STORE }

export const ErrorBody = Type.Object(
  {
    message: Type.String({ description: 'What is wrong, for a person to read' }),
    details: Type.Optional(Type.Unknown({ description: 'More, where the operation says so' })),
  },
  { $id: 'Error', additionalProperties: false },
)

export const InputErrorBody = Type.Object(
  {
    error: Type.Array(
      Type.Object(
        {
          message: Type.String(),
          path: Type.Array(Type.Union([Type.String(), Type.Integer()]), { description: 'Where the fault is' }),
          type: Type.String({
            description: "Joi's name of the fault: `any.required`, `number.max`, `object.unknown` …",
          }),
          context: Type.Record(Type.String(), Type.Unknown(), { description: 'What the message is made of' }),
        },
        { additionalProperties: false },
      ),
      { description: 'All faults at once, as Joi describes them' },
    ),
  },
  { $id: 'InputError', additionalProperties: false },
)

/** What any signed route may answer, beside what its scope asks of the key. */
export const SIGNED_FAILURES = [
  errors.organizationInactive(),
  errors.missingSigningHeaders(),
  errors.malformedDate(),
  errors.signatureExpired({ skewMs: -61_000, minSkewMs: -60_000, maxSkewMs: 5000 }),
  errors.badSignature(),
  errors.keyRevoked(),
  errors.internal(undefined),
  errors.storeBusy(undefined),
]

/** What any signed write may answer. */
export const WRITE_FAILURES = [
  errors.malformedJson(),
  errors.malformedIdempotencyKey(),
  errors.idempotencyKeyReused(),
  errors.idempotencyKeyInUse(),
  errors.bodyTooLarge(),
  errors.unsupportedMediaType(),
  errors.encodedBody(),
  errors.tooManyBodies(),
  errors.storeCannotWrite(undefined),
  errors.storeFull(undefined),
]

/** When each status comes; the examples beside it show with which sentence. */
export const STATUS_MEANINGS: Record<number, string> = {
  400: 'A rule of the product is broken: the workspace is not a VIP workspace, or the channel is unknown, belongs to another organization or is not connected to the workspace',
  402: 'The organization is inactive',
  403: 'Signing failed, or the key may not do this',
  404: 'What the request names is not there, or belongs to another organization: the two cannot be told apart',
  405: 'Another method than those of `Allow`',
  408: 'The request took too long to arrive',
  422: 'A parameter is missing, malformed or unknown; all faults at once',
  431: 'Address and headers are too large',
  500: 'Our fault. Tell us the `x-request-id`',
  503: 'The store is busy or out of reach; try again after `Retry-After` seconds',
}

/** What is different for writes; of each, nothing was applied. */
export const WRITE_MEANINGS: Record<number, string> = {
  ...STATUS_MEANINGS,
  400: 'The body is not JSON, or the `Idempotency-Key` is malformed',
  409: 'What is reported contradicts what was, or the `Idempotency-Key` came with another body, or its first request still runs: then try again after `Retry-After` seconds',
  413: 'The body is too large',
  415: 'The body is of another type',
  422: 'A field is missing, malformed or unknown; all faults at once, each with its `path`: in a batch it begins with `batch` and the index of the item. Nothing was applied',
  507: 'The store is full',
}

/** Where something stands in the address. */
export const ADDRESS_MEANINGS: Record<number, string> = {
  400: 'What stands in the address is not valid percent-encoded UTF-8',
}
