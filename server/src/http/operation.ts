import type BaseJoi from 'joi'
import { type TSchema, Type } from 'typebox'
import { type ApiError, errors } from './errors.ts'

/** What the reference says of a route; it lies in the route's `config.operation`. */
export interface Operation {
  operationId: string
  tag: 'Directory' | 'VIP users' | 'Service'
  summary: string
  description: string
  /** whether the three signing headers are required */
  signed: boolean
  /** the schema that the route validates its query with */
  query?: BaseJoi.ObjectSchema
  ok: Answer
  /** answers without a body, by status: when they come */
  empty?: Record<number, string>
  /** what the route itself may throw; signing and the store's failures are added for signed ones */
  failures?: ApiError[]
}

export interface Answer {
  description: string
  mediaType: string
  /** a schema with an `$id` becomes a component of that name */
  schema: TSchema
  example: unknown
  headers?: Record<string, { description: string; schema: TSchema; example: unknown }>
}

/** A field that is always there and null where nothing is known. */
export function nullable(type: 'string' | 'integer', description: string) {
  return Type.Unsafe<string | number | null>({ type: [type, 'null'], description })
}

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

/** What any route may answer. */
export const COMMON_FAILURES = [errors.methodNotAllowed('GET, HEAD, OPTIONS')]

/** What any signed route may answer. */
export const SIGNED_FAILURES = [
  errors.organizationInactive(),
  errors.missingSigningHeaders(),
  errors.malformedDate(),
  errors.signatureExpired({ skewMs: -61_000, minSkewMs: -60_000, maxSkewMs: 5000 }),
  errors.badSignature(),
  errors.keyRevoked(),
  errors.outsideScope('read'),
  errors.internal(undefined),
  errors.storeBusy(undefined),
]

/** When each status comes; the examples beside it show with which sentence. */
export const STATUS_MEANINGS: Record<number, string> = {
  400: 'A rule of the product is broken: the workspace is not a VIP workspace, or the channel is unknown, belongs to another organization or is not connected to the workspace',
  402: 'The organization is inactive',
  403: 'Signing failed, or the key may not do this',
  404: 'What the request names is not there, or belongs to another organization: the two cannot be told apart',
  405: 'Another method than those of `Allow`',
  422: 'A parameter is missing, malformed or unknown; all faults at once',
  500: 'Our fault. Tell us the `x-request-id`',
  503: 'The store is busy or out of reach; try again after `Retry-After` seconds',
}
