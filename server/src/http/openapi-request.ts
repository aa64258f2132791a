import type BaseJoi from 'joi'
import { type Json, toJsonSchema } from './json-schema.ts'
import type { Operation } from './operation.ts'

/** A route as the document names it. */
export interface Route {
  method: string
  /** with `:name` where a parameter is */
  url: string
  operation: Operation
}

/** What every signed write may carry. */
const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description:
    'A name of your own for this write, 1 to 255 printable ASCII characters. Sent again within 24 h with the same body it is answered as the first time, and nothing is applied twice; another body is 409. It counts for the organization and the address',
  schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[ -~]+$' },
  example: '0f3e6a54-7c1b-4f0e-9d59-2f6c8a1b7e42',
}

export const SIGNED_CURL = `DATE=$(date -u +%Y-%m-%dT%H:%M:%S.000Z)
SIGNATURE=$(printf %s "$DATE" |
  openssl dgst -sha256 -hmac "$SECRET" |
  sed 's/^.* //')
curl "$URL/workspaces" \\
  -H "x-api-key: $KEY" \\
  -H "x-date: $DATE" \\
  -H "x-signature: $SIGNATURE"`

/** `/user/:userId` as OpenAPI writes it. */
export function templateOf(url: string): string {
  return url.replaceAll(/:(\w+)/g, '{$1}')
}

/** What a request has beside its address; what its body refers to goes into `schemas`. */
export function describeRequest({ method, operation }: Route, schemas: Json): Json {
  const { params, query, requestHeaders = {}, body, scope } = operation
  const parameters = [
    ...(params ? describeParameters('path', params, schemas) : []),
    ...(query ? describeParameters('query', query, schemas) : []),
    ...Object.entries(requestHeaders).map(([name, header]) => ({ name, in: 'header', required: false, ...header })),
    ...(method === 'POST' && scope ? [IDEMPOTENCY_KEY] : []),
  ]
  return {
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body ? { requestBody: { required: true, content: { 'application/json': describeBody(body, schemas) } } } : {}),
  }
}

function describeParameters(place: 'path' | 'query', joi: BaseJoi.ObjectSchema, schemas: Json): Json[] {
  const { properties = {}, required = [] } = toJsonSchema(joi, schemas)
  const names = required as string[]
  return Object.entries(properties as Record<string, Json>).map(([name, property]) => {
    const { description, examples, ...schema } = property
    const [example] = (examples as unknown[] | undefined) ?? []
    return {
      name,
      in: place,
      required: names.includes(name),
      description,
      schema,
      ...(example === undefined ? {} : { example }),
    }
  })
}

function describeBody({ schema, examples }: NonNullable<Operation['body']>, schemas: Json): Json {
  return {
    schema: toJsonSchema(schema, schemas),
    examples: Object.fromEntries(Object.entries(examples).map(([name, value]) => [name, { value }])),
  }
}

/** The request as a shell sends it, with the required parameters left to fill in. */
export function signedCurl({ method, url, operation: { query, body } }: Route): string {
  const keys: Record<string, { flags?: { presence?: string } }> = query?.describe().keys ?? {}
  const required = Object.keys(keys).filter((name) => keys[name]?.flags?.presence === 'required')
  const pairs = required.map((name) => `${name}=${variableOf(name)}`)
  const path = url.replaceAll(/:(\w+)/g, (_, name) => variableOf(name))
  const curl = SIGNED_CURL.replace('/workspaces', () =>
    [path, ...(pairs.length > 0 ? [pairs.join('&')] : [])].join('?'),
  )
  if (!body) return curl
  const json = JSON.stringify(Object.values(body.examples)[0]).replaceAll("'", String.raw`'\''`)
  return `${curl.replace('curl ', () => `curl -X ${method} `)} \\\n  -H 'content-type: application/json' \\\n  -d '${json}'`
}

/** As the guides name them. */
const VARIABLES = new Map([
  ['workspaceId', 'WORKSPACE'],
  ['mediumId', 'CHANNEL'],
])

function variableOf(name: string): string {
  return `$${VARIABLES.get(name) ?? name.replaceAll(/[A-Z]/g, '_$&').toUpperCase()}`
}
