import BaseJoi from 'joi'
import { MAX_REVENUE_MICROS, parseMicros } from '../users/money.ts'
import { MAX_FAULTS } from './errors.ts'
import { isRecord } from './is-record.ts'
import { parseTimestamp } from './timestamp.ts'

/**
 * What the query parser puts where a value's percent-encoding cannot be decoded: every schema answers it with
 * `string.encoding`.
 */
export const MALFORMED: unique symbol = Symbol('malformed percent-encoding')
/** The name under which the query parser puts what has an undecodable name; no parameter has it: `object.unknown`. */
export const MALFORMED_KEY = '%'

/** Ids, keys and names have at most this many bytes of UTF-8 (contract, "Errors", Texts). */
const MAX_TEXT_BYTES = 255
const DECIMAL = /^-?\d+(?:\.\d+)?$/
const REVENUE_LIMIT = 1e9
/** So many unknown names of an object are told. */
const MAX_UNKNOWN_NAMES = 50

export interface TimestampSchema extends BaseJoi.AnySchema<number> {
  /**
   * Refuses a later time with `timestamp.max`.
   *
   * @param limit  epoch ms, or a function that says it at each validation: `() => clock() + DAY_MS`
   */
  notAfter(limit: number | (() => number)): this
}

type FieldSchema<T> = [T] extends [bigint | null]
  ? BaseJoi.AnySchema<bigint>
  : [T] extends [number | null]
    ? BaseJoi.NumberSchema | TimestampSchema
    : BaseJoi.ObjectPropertiesSchema<T>
type FieldSchemas<T> = { [K in keyof T]-?: FieldSchema<Exclude<T[K], undefined>> }

/** Joi with the types of the API's input. */
export interface InputJoi extends Omit<BaseJoi.Root, 'object'> {
  /** With `true` every field of `T` needs a schema of its type: the interface and the schema cannot part. */
  object<T = Record<string, unknown>, Strict extends boolean = false>(
    schema?: Strict extends true ? FieldSchemas<T> : BaseJoi.PartialSchemaMap<T>,
  ): BaseJoi.ObjectSchema<T>
  /** A number whose text, if it comes as one, is digits with an optional point and minus; then `number.integer`. */
  integer(): BaseJoi.NumberSchema
  /** Well-formed text of 1 to `maxBytes` bytes of UTF-8 without NUL. Default: 255. */
  text(maxBytes?: number): BaseJoi.StringSchema
  /** Epoch ms or ISO-8601, converted to epoch ms; errors `timestamp.base`, `.seconds`, `.range`, `.max`. */
  timestamp(): TimestampSchema
  /** A JSON number or a decimal in a string, converted to millionths; errors `revenue.base`, `revenue.max`. */
  revenue(): BaseJoi.AnySchema<bigint>
  /** The boolean query parameter: `true` or `false` in any case, converted to a boolean; else `any.only`. */
  flag(): BaseJoi.BooleanSchema
}

const malformed: BaseJoi.Extension = {
  type: /^/,
  messages: { 'string.encoding': '{{#label}} is not valid percent-encoded UTF-8' },
  prepare(value: unknown, { error }) {
    if (value === MALFORMED) return { value, errors: error('string.encoding') }
  },
}

/**
 * `null` in an optional field counts as left out (contract, "Errors"), unless the field itself allows null. Of a flood
 * of unknown names only the first are looked at: each costs 5 µs, and a body of 4 MiB can hold half a million.
 */
const object = (joi: BaseJoi.Root): BaseJoi.Extension => ({
  type: 'object',
  base: joi.object(),
  prepare(value: unknown, { schema, prefs }) {
    const known: { key: string; schema: BaseJoi.Schema }[] | null = schema.$_terms.keys
    if (!known || !isRecord(value)) return
    const leftOut = known.filter((field) => value[field.key] === null && !takesNull(field.schema))
    const names = Object.keys(value)
    const isFlood = names.length > known.length + MAX_UNKNOWN_NAMES && !(schema._flags.unknown ?? prefs.allowUnknown)
    if (leftOut.length === 0 && !isFlood) return

    let fields = names.filter((name) => !leftOut.some(({ key }) => key === name))
    if (isFlood && !schema.$_terms.patterns) {
      fields = firstNames(fields, (name) => known.some((field) => field.key === name))
    }
    return { value: Object.fromEntries(fields.map((name) => [name, value[name]])) }
  },
})

function firstNames(names: string[], isKnown: (name: string) => boolean): string[] {
  let unknown = 0
  return names.filter((name) => isKnown(name) || ++unknown <= MAX_UNKNOWN_NAMES)
}

/**
 * A body without most of a flood of unknown names, before it is copied: the schema of one item or a batch does so to
 * find out which of the two it is.
 *
 * @param known the names of either
 */
export function withoutFlood(value: unknown, known: ReadonlySet<string>): unknown {
  if (!isRecord(value)) return value
  const names = Object.keys(value)
  if (names.length <= known.size + MAX_UNKNOWN_NAMES) return value
  return Object.fromEntries(firstNames(names, (name) => known.has(name)).map((name) => [name, value[name]]))
}

/** Whether null is the field's own matter: a required one refuses it by its type, another may allow it. */
function takesNull(field: BaseJoi.Schema & { _valids?: { has(value: unknown): boolean } | null }): boolean {
  return field._flags.presence === 'required' || field._valids?.has(null) === true
}

/** A list that is too long is refused before its items are looked at: a body can hold a million of them. */
const array = (joi: BaseJoi.Root): BaseJoi.Extension => ({
  type: 'array',
  base: joi.array(),
  prepare(value: unknown, { schema, error }) {
    const limit: unknown = schema.$_getRule('max')?.args?.limit
    if (Array.isArray(value) && typeof limit === 'number' && value.length > limit) {
      return { value, errors: error('array.max', { limit }) }
    }
  },
})

const string = (joi: BaseJoi.Root): BaseJoi.Extension => ({
  type: 'string',
  base: joi.string(),
  messages: {
    'string.max':
      '{{#label}} length must be less than or equal to {{#limit}} {if(#encoding == "utf8", "bytes of UTF-8", "characters long")}',
    'string.nul': '{{#label}} must not contain a NUL character',
    'string.wellFormed': '{{#label}} must be well-formed Unicode: it contains half of a surrogate pair',
  },
  rules: {
    nul: {
      validate: (value: string, { error }) => (value.includes('\0') ? error('string.nul') : value),
    },
    wellFormed: {
      validate: (value: string, { error }) => (value.isWellFormed() ? value : error('string.wellFormed')),
    },
  },
})

/** Joi alone takes `1e1`, `+5` and blanks around, which the contract does not. */
const number = (joi: BaseJoi.Root): BaseJoi.Extension => ({
  type: 'number',
  base: joi.number(),
  prepare(value: unknown, { error }) {
    if (typeof value === 'string' && !DECIMAL.test(value)) return { value, errors: error('number.base') }
  },
})

const flag = (joi: BaseJoi.Root): BaseJoi.Extension => ({
  type: 'flag',
  base: joi.boolean(),
  prepare(value: unknown, { error }) {
    if (typeof value === 'boolean' || value === null || value === MALFORMED) return
    const text = typeof value === 'string' ? value.toLowerCase() : undefined
    if (text === 'true' || text === 'false') return { value: text === 'true' }
    return { value, errors: error('any.only', { valids: ['true', 'false'] }) }
  },
})

const FAULT_TYPES = { format: 'timestamp.base', seconds: 'timestamp.seconds', range: 'timestamp.range' } as const

const timestamp: BaseJoi.Extension = {
  type: 'timestamp',
  messages: {
    'timestamp.base': '{{#label}} must be epoch milliseconds or ISO-8601',
    'timestamp.max': '{{#label}} is too far in the future',
    'timestamp.range': '{{#label}} is out of range; use epoch milliseconds or ISO-8601',
    'timestamp.seconds': '{{#label}} looks like seconds; use epoch milliseconds or ISO-8601',
  },
  validate(value: unknown, { error }) {
    const parsed = parseTimestamp(value)
    return 'fault' in parsed ? { value, errors: error(FAULT_TYPES[parsed.fault]) } : { value: parsed.timestamp }
  },
  rules: {
    notAfter: {
      args: ['limit'],
      method(limit: number | (() => number)) {
        return this.$_addRule({ name: 'notAfter', args: { limit } })
      },
      validate(value: number, { error }, { limit }) {
        const latest: number = typeof limit === 'function' ? limit() : limit
        return value <= latest ? value : error('timestamp.max', { limit: latest })
      },
    },
  },
}

const revenue: BaseJoi.Extension = {
  type: 'revenue',
  messages: {
    'revenue.base': '{{#label}} must be a number or a decimal in a string',
    'revenue.max': '{{#label}} must lie between -{{#limit}} and {{#limit}}',
  },
  validate(value: unknown, { error }) {
    const micros = typeof value === 'number' || typeof value === 'string' ? parseMicros(value) : null
    if (micros === null) return { value, errors: error('revenue.base') }
    const size = micros < 0n ? -micros : micros
    if (size > MAX_REVENUE_MICROS) return { value, errors: error('revenue.max', { limit: REVENUE_LIMIT }) }
    return { value: micros }
  },
}

const extended = BaseJoi.extend(malformed).extend(object, array, string, number, flag, timestamp, revenue)

/** The Joi that every route uses. */
export const Joi: InputJoi = Object.assign(extended, {
  integer: () => extended.number().integer(),
  text: (maxBytes = MAX_TEXT_BYTES) => extended.string().max(maxBytes, 'utf8').wellFormed().nul(),
})

/** What one fault looks like to the caller: the entry of a Joi error's `details`, safe to be written as JSON. */
export interface InputFault {
  message: string
  path: (string | number)[]
  type: string
  context: Record<string, unknown>
}

/** The request's shape is wrong: 422 with `details` as the body's `error`. */
export class InputError extends Error {
  readonly details: InputFault[]

  constructor(details: InputFault[]) {
    super(details.map((fault) => fault.message).join('. '))
    this.name = 'InputError'
    this.details = details
  }
}

/** Of a caller's own text no more than this is sent back. */
const MAX_ECHO_CHARACTERS = 256
const MAX_ECHO_ITEMS = 64
const MAX_MESSAGE_CHARACTERS = 1024

const OPTIONS: BaseJoi.ValidationOptions = { abortEarly: false, convert: true, allowUnknown: false }

/**
 * The value that the schema makes of a query, a path's parameters or a body.
 *
 * @throws InputError  with all faults at once (the first 1,000)
 * @see contract, "Errors" (422)
 */
export function validateInput<T>(schema: BaseJoi.AnySchema<T>, value: unknown): T {
  const result = schema.validate(value, OPTIONS)
  if (result.error) throw new InputError(result.error.details.slice(0, MAX_FAULTS).map(toFault))
  return result.value
}

function toFault({ message, path, type, context = {} }: BaseJoi.ValidationErrorItem): InputFault {
  const echoed = Object.entries(context).flatMap(([name, value]) => (isEchoed(value) ? [[name, echo(value)]] : []))
  return {
    message: cut(message, MAX_MESSAGE_CHARACTERS),
    path: path.map((step) => (typeof step === 'string' ? cut(step, MAX_ECHO_CHARACTERS) : step)),
    type,
    context: Object.fromEntries(echoed),
  }
}

/** Plain values and short lists of them; whole objects, and what JSON has no word for, are kept out. */
function isEchoed(value: unknown): boolean {
  if (Array.isArray(value)) return value.length <= MAX_ECHO_ITEMS && value.every(isScalar)
  return isScalar(value)
}

function isScalar(value: unknown): boolean {
  return value === null || ['string', 'number', 'boolean', 'bigint'].includes(typeof value)
}

function echo(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(echo)
  if (typeof value === 'string') return cut(value, MAX_ECHO_CHARACTERS)
  return typeof value === 'bigint' ? String(value) : value
}

/** Never between the halves of a surrogate pair: the answer has to be well-formed too. */
function cut(text: string, maxCharacters: number): string {
  return text.length <= maxCharacters ? text : text.slice(0, maxCharacters).toWellFormed()
}
