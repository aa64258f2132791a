import type BaseJoi from 'joi'
import { bodyOf } from './error-handler.ts'
import { type ApiError, errors } from './errors.ts'
import { InputError, validateInput } from './input.ts'
import type { Json } from './json-schema.ts'
import type { Route } from './openapi-request.ts'
import {
  ADDRESS_MEANINGS,
  type Answer,
  type EmptyAnswer,
  ErrorBody,
  type Headers,
  InputErrorBody,
  type Operation,
  SIGNED_FAILURES,
  SIGNED_HEADERS,
  STATUS_MEANINGS,
  WRITE_FAILURES,
  WRITE_MEANINGS,
} from './operation.ts'

const ALLOW = { description: 'The methods of this address', schema: { type: 'string' } }
const RETRY_AFTER = { description: 'Seconds', schema: { type: 'integer' } }
/** Answered by what is before the routes, and so without the headers of their answers. */
const BEFORE_ROUTES = [405, 408, 431]

/** Every answer of a route by its status; what their schemas refer to goes into `schemas`. */
export function describeResponses({ method, operation }: Route, allow: string, schemas: Json): Json {
  const isWrite = method === 'POST'
  const meanings = {
    ...(isWrite ? WRITE_MEANINGS : STATUS_MEANINGS),
    ...(operation.params ? ADDRESS_MEANINGS : {}),
    ...operation.meanings,
  }
  const headers = { ...(operation.scope ? SIGNED_HEADERS : {}), ...operation.headers }
  const okHeaders = { ...headers, ...operation.ok.headers }
  const responses: Json = { 200: describeAnswer(operation.ok, okHeaders, schemas) }
  for (const [status, description] of Object.entries(operation.empty ?? {})) {
    responses[status] = { description, headers: okHeaders }
  }
  const thrown = [
    ...(operation.params ? [errors.malformedAddress()] : []),
    ...thrownBy(operation),
    ...(isWrite && operation.scope ? WRITE_FAILURES : []),
    errors.methodNotAllowed(allow),
    errors.requestTimeout(),
    errors.headersTooLarge(),
  ]
  for (const [status, of] of Map.groupBy(thrown, (error) => error.statusCode)) {
    const routeHeaders = BEFORE_ROUTES.includes(status) ? {} : headers
    responses[status] = describeFailure(meanings[status] ?? '', of, routeHeaders, schemas)
  }
  const faults = faultsOf(operation)
  if (faults) responses[422] = describeInputError(meanings[422] ?? '', faults, headers, schemas)
  return responses
}

function thrownBy({ failures = [], scope }: Operation): ApiError[] {
  return scope ? [...failures, ...SIGNED_FAILURES, errors.outsideScope(scope)] : failures
}

function describeAnswer(answer: Answer | EmptyAnswer, headers: Headers, schemas: Json): Json {
  const start = { description: answer.description, headers }
  if (!('schema' in answer)) return start
  const { mediaType, schema, example } = answer
  const media = { schema: toComponents(schema, schemas), examples: { answer: { value: example } } }
  return { ...start, content: { [mediaType]: media } }
}

function describeFailure(description: string, thrown: ApiError[], routeHeaders: Headers, schemas: Json): Json {
  const examples = thrown.map((error) => [exampleName(error.message), { value: bodyOf(error) }])
  const headers = {
    ...routeHeaders,
    ...(thrown.some((error) => error.headers.allow) ? { Allow: ALLOW } : {}),
    ...(thrown.some((error) => error.retryAfterSeconds !== undefined) ? { 'Retry-After': RETRY_AFTER } : {}),
  }
  return {
    description,
    headers,
    content: {
      'application/json': { schema: toComponents(ErrorBody, schemas), examples: Object.fromEntries(examples) },
    },
  }
}

function describeInputError(description: string, faults: unknown, headers: Headers, schemas: Json): Json {
  return {
    description,
    headers,
    content: {
      'application/json': {
        schema: toComponents(InputErrorBody, schemas),
        examples: { faults: { value: { error: faults } } },
      },
    },
  }
}

/** What the route's schema really says to wrong input; undefined where it refuses nothing. */
function faultsOf({ params, query, body }: Operation): unknown {
  // a schema that allows what it does not know refuses nothing
  if (body) {
    return body.schema._flags.unknown === true
      ? undefined
      : refuse(body.schema, withoutFields(Object.values(body.examples).at(-1)))
  }
  if (query && query._flags.unknown !== true) return refuse(query, { workspaceID: '5f0c' })
  return params && refuse(params, Object.fromEntries([...params.$_terms.keys].map(({ key }) => [key, 'a\0b'])))
}

/** A body without what it needs; of a batch its last item is so. */
function withoutFields(body: object | undefined): object {
  return body && 'batch' in body && Array.isArray(body.batch) ? { batch: [...body.batch, {}] } : {}
}

function refuse(schema: BaseJoi.AnySchema, value: unknown): unknown {
  try {
    validateInput(schema, value)
  } catch (error) {
    if (error instanceof InputError) return error.details
  }
  throw errors.internal(new Error('A schema took what it should refuse'))
}

function exampleName(message: string): string {
  const words = message
    .replaceAll(/[^A-Za-z]+/g, ' ')
    .trim()
    .split(' ')
    .slice(0, 5)
  return words
    .map((word, index) => (index === 0 ? word.toLowerCase() : word[0]?.toUpperCase() + word.slice(1)))
    .join('')
}

/** A schema as plain JSON; each part with an `$id` becomes a component, and a reference stands in its place. */
function toComponents(schema: unknown, schemas: Json): unknown {
  if (Array.isArray(schema)) return schema.map((part) => toComponents(part, schemas))
  if (typeof schema !== 'object' || schema === null) return schema
  const { $id, ...rest } = schema as Json
  const plain = Object.fromEntries(Object.entries(rest).map(([name, part]) => [name, toComponents(part, schemas)]))
  if (typeof $id !== 'string') return plain
  schemas[$id] = plain
  return { $ref: `#/components/schemas/${$id}` }
}
