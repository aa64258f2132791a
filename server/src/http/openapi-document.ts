import exported from 'joi-to-json'
import packageJson from '../../package.json' with { type: 'json' }
import type { Config } from '../config.ts'
import { bodyOf } from './error-handler.ts'
import { type ApiError, errors } from './errors.ts'
import { InputError, validateInput } from './input.ts'
import {
  type Answer,
  COMMON_FAILURES,
  ErrorBody,
  InputErrorBody,
  type Operation,
  SIGNED_FAILURES,
  STATUS_MEANINGS,
} from './operation.ts'

type Json = Record<string, unknown>

export interface Route {
  path: string
  operation: Operation
}

const SIGNED_CURL = `DATE=$(date -u +%Y-%m-%dT%H:%M:%S.000Z)
SIGNATURE=$(printf %s "$DATE" | openssl dgst -sha256 -hmac "$SECRET" | sed 's/^.* //')
curl -H "x-api-key: $API_KEY" -H "x-date: $DATE" -H "x-signature: $SIGNATURE" "$URL/workspaces"`

const description = (
  signature: Config['signature'],
) => `The VIP users of social casino games on Facebook Messenger and Instagram.

## Signing
Every request of the tags *Directory* and *VIP users* carries three headers:

- \`x-api-key\`: the API key
- \`x-date\`: the current time, as ISO-8601 date and time or as an HTTP date
- \`x-signature\`: lowercase hex of HMAC-SHA256, key = the secret, message = the exact \`x-date\`

\`x-date\` must be within −5 s..+60 s of server time. This server reads that as ${windowOf(signature)}, both ends included.
**A signing failure is 403, never 401**; an inactive organization is 402.

\`\`\`bash
${SIGNED_CURL}
\`\`\`

A signature does not name its request: whoever reads one set of headers can make any request with that key until the date
expires. Serve over TLS only.

## What every answer has
\`x-request-id\` and \`x-server-time\`. \`HEAD\` works where \`GET\` does, \`OPTIONS\` tells the methods, a trailing slash is the
same route. An unknown route is 404, a wrong method 405 with \`Allow\`. Signed answers are \`Vary: x-api-key\` and never for
a shared cache.`

function windowOf({ window, pastSeconds, futureSeconds }: Config['signature']): string {
  const [old, ahead] = window === 'age' ? [pastSeconds, futureSeconds] : [futureSeconds, pastSeconds]
  const reading = window === 'age' ? 'the age of the request' : 'the offset of the date from its own time'
  return `${reading}: up to ${old} s old, at most ${ahead} s ahead`
}

const TAGS = [
  { name: 'VIP users', description: 'The players marked VIP, highest lifetime value first.' },
  { name: 'Directory', description: 'The organization of the key, its workspaces and its channels.' },
  { name: 'Service', description: 'About the server itself; not signed.' },
]

const SIGNING_HEADERS = {
  apiKey: { name: 'x-api-key', description: 'The API key. It is public: the secret is not sent.' },
  date: { name: 'x-date', description: 'The current time; within −5 s..+60 s of server time.' },
  signature: { name: 'x-signature', description: 'Lowercase hex of HMAC-SHA256 of `x-date` under the secret.' },
}

/** The OpenAPI document of these routes. Loaded when somebody asks for it: nothing else needs it, and starts are to be fast. */
export function makeDocument(routes: Route[], { publicUrl, signature }: Pick<Config, 'publicUrl' | 'signature'>): Json {
  // its types describe an ES module, but it is a CommonJS one: what is imported is the function itself
  const joiToJson = exported as unknown as (joi: unknown, mode: 'open-api-3.1') => Json
  const schemas: Json = {}
  const root = { url: publicUrl, description: 'This server' }
  const paths: Json = {}
  for (const { path, operation } of routes) {
    paths[path] = {
      get: describeOperation({ path, operation }, root, schemas, (joi) => joiToJson(joi, 'open-api-3.1')),
    }
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Dynamo API',
      version: packageJson.version,
      summary: 'VIP lists for social casinos',
      description: description(signature),
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [
      root,
      { url: `${publicUrl}/externalApi/v1`, description: 'The same, where clients of the hosted service look for it' },
    ],
    tags: TAGS,
    paths,
    components: {
      securitySchemes: Object.fromEntries(
        Object.entries(SIGNING_HEADERS).map(([name, header]) => [name, { type: 'apiKey', in: 'header', ...header }]),
      ),
      schemas: Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1))),
    },
  }
}

const ALLOW = { description: 'The methods of this address', schema: { type: 'string' } }
const RETRY_AFTER = { description: 'Seconds', schema: { type: 'integer' } }

type ToJsonSchema = (joi: NonNullable<Operation['query']>) => Json

function describeOperation({ path, operation }: Route, root: Json, schemas: Json, toJsonSchema: ToJsonSchema): Json {
  const { operationId, tag, summary, description, query, signed } = operation
  return {
    operationId,
    tags: [tag],
    summary,
    description,
    security: signed ? [Object.fromEntries(Object.keys(SIGNING_HEADERS).map((name) => [name, []]))] : [],
    ...(signed ? {} : { servers: [root] }),
    ...(query ? { parameters: describeQuery(toJsonSchema(query)) } : {}),
    responses: describeResponses(operation, schemas),
    ...(signed ? { 'x-codeSamples': [{ lang: 'bash', label: 'curl', source: signedCurl(path, query) }] } : {}),
  }
}

function describeQuery({ properties = {}, required = [] }: Json): Json[] {
  const names = required as string[]
  return Object.entries(properties as Record<string, Json>).map(([name, property]) => {
    const { description, examples, ...schema } = property
    const [example] = (examples as unknown[] | undefined) ?? []
    return {
      name,
      in: 'query',
      required: names.includes(name),
      description,
      schema: describeParameter(schema),
      ...(example === undefined ? {} : { example }),
    }
  })
}

/** What `joi-to-json` does not know of our own types. */
function describeParameter(schema: Json): Json {
  if (schema.type === 'flag') return { ...schema, type: 'string', enum: ['true', 'false'] }
  return schema.type === 'string' && schema.minLength === undefined ? { ...schema, minLength: 1 } : schema
}

/** The request as a shell sends it, with the required parameters left to fill in. */
function signedCurl(path: string, query: Operation['query']): string {
  const keys: Record<string, { flags?: { presence?: string } }> = query?.describe().keys ?? {}
  const required = Object.keys(keys).filter((name) => keys[name]?.flags?.presence === 'required')
  const pairs = required.map((name) => `${name}=$${name.replaceAll(/[A-Z]/g, '_$&').toUpperCase()}`)
  return SIGNED_CURL.replace('/workspaces', () => [path, ...(pairs.length > 0 ? [pairs.join('&')] : [])].join('?'))
}

function describeResponses({ ok, empty = {}, failures = [], query, signed }: Operation, schemas: Json): Json {
  const responses: Json = { 200: describeAnswer(ok, schemas) }
  for (const [status, description] of Object.entries(empty)) responses[status] = { description }
  const thrown = [...failures, ...(signed ? SIGNED_FAILURES : []), ...COMMON_FAILURES]
  for (const [status, of] of Map.groupBy(thrown, (error) => error.statusCode)) {
    responses[status] = describeFailure(status, of, schemas)
  }
  // a schema that allows unknown parameters refuses nothing
  if (query && query._flags.unknown !== true) responses[422] = describeInputError(query, schemas)
  return responses
}

function describeAnswer({ description, mediaType, schema, example, headers }: Answer, schemas: Json): Json {
  return {
    description,
    ...(headers ? { headers } : {}),
    content: { [mediaType]: { schema: toComponents(schema, schemas), examples: { answer: { value: example } } } },
  }
}

function describeFailure(status: number, thrown: ApiError[], schemas: Json): Json {
  const examples = thrown.map((error) => [exampleName(error.message), { value: bodyOf(error) }])
  const headers = {
    ...(thrown.some((error) => error.headers.allow) ? { Allow: ALLOW } : {}),
    ...(thrown.some((error) => error.retryAfterSeconds !== undefined) ? { 'Retry-After': RETRY_AFTER } : {}),
  }
  return {
    description: STATUS_MEANINGS[status] ?? '',
    headers,
    content: {
      'application/json': { schema: toComponents(ErrorBody, schemas), examples: Object.fromEntries(examples) },
    },
  }
}

function describeInputError(query: NonNullable<Operation['query']>, schemas: Json): Json {
  return {
    description: STATUS_MEANINGS[422],
    content: {
      'application/json': {
        schema: toComponents(InputErrorBody, schemas),
        examples: { faults: { value: { error: faultsOf(query) } } },
      },
    },
  }
}

/** What this schema really says to a misspelt parameter. */
function faultsOf(query: NonNullable<Operation['query']>): unknown {
  try {
    validateInput(query, { workspaceID: '5f0c' })
  } catch (error) {
    if (error instanceof InputError) return error.details
  }
  throw errors.internal(new Error('A schema that refuses unknown parameters took one'))
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
