import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import helmet from '@fastify/helmet'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { once } from '../once.ts'
import type { OpenApi } from './openapi.ts'

interface Asset {
  body: Buffer
  etag: string
}

/**
 * `/openapi.json`, and `/docs`: the reference made from it by Scalar, out of its npm bundle. The page has no button that
 * sends a request, which would be unsigned, and asks no other host for anything.
 *
 * @param basePath  what stands before our paths in `PUBLIC_URL`, without a trailing slash
 */
export function referenceRoutes(app: FastifyInstance, openApi: OpenApi, basePath: string): void {
  const document = once(async () => asset(await openApi.text()))
  app.get('/openapi.json', async (request, reply) => sendAsset(request, reply, await document(), 'application/json'))

  app.register(
    async (docs) => {
      await docs.register(helmet, HELMET)
      const bundle = once(async () => asset(await readFile(bundleFile())))
      const page = asset(pageOf(basePath))
      const script = asset(scriptOf(basePath))
      docs.get('/', (request, reply) => sendAsset(request, reply, page, 'text/html'))
      docs.get('/reference.js', (request, reply) => sendAsset(request, reply, script, 'text/javascript'))
      docs.get('/scalar.js', async (request, reply) => sendAsset(request, reply, await bundle(), 'text/javascript'))
    },
    { prefix: '/docs' },
  )
}

const HELMET = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      // Scalar writes its styles into the page
      styleSrc: ["'self'", "'unsafe-inline'"],
      imgSrc: ["'self'", 'data:'],
      fontSrc: ["'self'", 'data:'],
      connectSrc: ["'self'"],
      baseUri: ["'none'"],
      formAction: ["'none'"],
      frameAncestors: ["'none'"],
    },
  },
  // TLS is the proxy's, and so is this promise
  strictTransportSecurity: false,
} as const

function pageOf(basePath: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Dynamo API</title>
<link rel="icon" href="data:,">
</head>
<body>
<div id="reference"></div>
<noscript>The reference needs JavaScript; its source is <a href="${basePath}/openapi.json">openapi.json</a>.</noscript>
<script src="${basePath}/docs/scalar.js"></script>
<script src="${basePath}/docs/reference.js"></script>
</body>
</html>
`
}

function scriptOf(basePath: string): string {
  const configuration = {
    url: `${basePath}/openapi.json`,
    telemetry: false,
    withDefaultFonts: false,
    hideTestRequestButton: true,
    hideClientButton: true,
    showDeveloperTools: 'never',
    agent: { disabled: true },
    mcp: { disabled: true },
    documentDownloadType: 'json',
    // its own samples know no signature: the document's do
    hiddenClients: true,
  }
  return `Scalar.createApiReference('#reference', ${JSON.stringify(configuration, null, 2)})\n`
}

function bundleFile(): URL {
  return new URL('browser/standalone.js', import.meta.resolve('@scalar/api-reference'))
}

function asset(content: string | Buffer): Asset {
  const body = Buffer.from(content)
  return { body, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` }
}

function sendAsset(request: FastifyRequest, reply: FastifyReply, { body, etag }: Asset, type: string): FastifyReply {
  reply.headers({ etag, 'cache-control': 'no-cache' })
  if (request.headers['if-none-match'] === etag) return reply.code(304).send()
  return reply.type(`${type}; charset=utf-8`).send(body)
}
