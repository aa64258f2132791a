import packageJson from '../../package.json' with { type: 'json' }
import type { Config } from '../config.ts'
import type { Json } from './json-schema.ts'
import { describeRequest, type Route, SIGNED_CURL, signedCurl, templateOf } from './openapi-request.ts'
import { describeResponses } from './openapi-responses.ts'
import { COMMON_HEADERS } from './operation.ts'

const description = (
  signature: Config['signature'],
) => `The VIP users of social casino games on Facebook Messenger and Instagram.

## Signing
Every request of the tags *VIP users*, *Directory* and *Audience* carries three headers:

- \`x-api-key\`: the API key
- \`x-date\`: the current time, as ISO-8601 date and time or as an HTTP date
- \`x-signature\`: lowercase hex of HMAC-SHA256, key = the secret, message = the exact \`x-date\`

${windowOf(signature)}.
**A signing failure is 403, never 401**; an inactive organization is 402.

\`\`\`bash
${SIGNED_CURL}
\`\`\`

In this and the other samples \`$URL\` is this server's address. \`$KEY\` and \`$SECRET\` are what \`npx dynamo setup\` or
\`npx dynamo key create\` has printed, or \`npm start\` for the sample; \`$WORKSPACE\` and \`$CHANNEL\` are ids out of
\`GET /workspaces\` and \`GET /channels\`, and \`$USER_ID\` is an id of your own.

A signature does not name its request: whoever reads one set of headers can make any request with that key until the date
expires. Serve over TLS only.

## What every answer has
\`x-request-id\`, \`x-server-time\` and \`x-content-type-options: nosniff\`. \`HEAD\` works where \`GET\` does, \`OPTIONS\` tells
the methods, a trailing slash is the same route. An unknown route is 404, a wrong method 405 with \`Allow\`. Signed answers are
\`Vary: x-api-key\` and never for a shared cache.`

function windowOf({ window, pastSeconds, futureSeconds }: Config['signature']): string {
  const [old, ahead] = window === 'age' ? [pastSeconds, futureSeconds] : [futureSeconds, pastSeconds]
  const reading = window === 'age' ? 'server time less `x-date`' : '`x-date` less server time'
  return `A request may be **up to ${old} s old**, and its \`x-date\` **at most ${ahead} s ahead** of the server's clock, both ends included.
In one line: \`x-date\` must be within −${futureSeconds} s..+${pastSeconds} s of server time, counted as ${reading}`
}

const TAGS = [
  { name: 'VIP users', description: 'The players marked VIP, highest lifetime value first.' },
  { name: 'Directory', description: 'The organization of the key, its workspaces and its channels.' },
  { name: 'Audience', description: "The customer's back end reports its users: who they are, what they do and buy." },
  {
    name: 'Webhooks',
    description: 'What Meta calls, where `META_APP_SECRET` and `META_VERIFY_TOKEN` are set; else they are 404.',
  },
  { name: 'Service', description: 'About the server itself; not signed.' },
]

const SIGNING_HEADERS = {
  apiKey: { name: 'x-api-key', description: 'The API key. It is public: the secret is not sent.' },
  date: { name: 'x-date', description: 'The current time, at most 60 s old and 5 s ahead, or as the service is set.' },
  signature: { name: 'x-signature', description: 'Lowercase hex of HMAC-SHA256 of `x-date` under the secret.' },
}

/** The OpenAPI document of these routes. Loaded when somebody asks for it: nothing else needs it, and starts are to be fast. */
export function makeDocument(routes: Route[], { publicUrl, signature }: Pick<Config, 'publicUrl' | 'signature'>): Json {
  const schemas: Json = {}
  const root = { url: publicUrl, description: 'This server' }
  const paths = Map.groupBy(routes, ({ url }) => templateOf(url))
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
    tags: TAGS.filter(({ name }) => routes.some(({ operation }) => operation.tag === name)),
    paths: Object.fromEntries([...paths].map(([path, of]) => [path, describePath(of, root, schemas)])),
    components: {
      securitySchemes: Object.fromEntries(
        Object.entries(SIGNING_HEADERS).map(([name, header]) => [name, { type: 'apiKey', in: 'header', ...header }]),
      ),
      headers: COMMON_HEADERS,
      schemas: Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1))),
    },
  }
}

function describePath(routes: Route[], root: Json, schemas: Json): Json {
  const methods = routes.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
  const allow = [...methods, 'OPTIONS'].sort().join(', ')
  return Object.fromEntries(
    routes.map((route) => [route.method.toLowerCase(), describeOperation(route, allow, root, schemas)]),
  )
}

function describeOperation(route: Route, allow: string, root: Json, schemas: Json): Json {
  const { operationId, tag, summary, description, scope } = route.operation
  // the hosted service's other address has reads alone
  const isEverywhere = scope === 'read' && tag !== 'Audience'
  return {
    operationId,
    tags: [tag],
    summary,
    description,
    security: scope ? [Object.fromEntries(Object.keys(SIGNING_HEADERS).map((name) => [name, []]))] : [],
    ...(isEverywhere ? {} : { servers: [root] }),
    ...describeRequest(route, schemas),
    responses: describeResponses(route, allow, schemas),
    ...(scope ? { 'x-codeSamples': [{ lang: 'bash', label: 'curl', source: signedCurl(route) }] } : {}),
  }
}
