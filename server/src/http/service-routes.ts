import type { FastifyInstance } from 'fastify'
import packageJson from '../../package.json' with { type: 'json' }
import { PICTURES, picture } from '../../sample/picture.ts'
import { errors } from './errors.ts'

const PICTURE_HEADERS = {
  'content-type': 'image/svg+xml',
  'cache-control': 'public, max-age=31536000, immutable',
  'content-security-policy': "default-src 'none'",
}
/** As the sample writes an index: `07` is no other address of `7`. */
const INDEX = /^(?:0|[1-9]\d{0,2})$/

/** `GET /`, and the pictures of the sample organization's people, which load without the internet. */
export function serviceRoutes(app: FastifyInstance, publicUrl: string): void {
  const links = {
    docs: `${publicUrl}/docs`,
    openapi: `${publicUrl}/openapi.json`,
    health: `${publicUrl}/healthz`,
  }
  app.get(
    '/',
    { config: { operation: async () => (await import('./service-operations.ts')).rootOperation } },
    (_request, reply) => {
      reply.send({ name: 'Dynamo', version: packageJson.version, links })
    },
  )

  app.get<{ Params: { index: string } }>('/sample/pictures/:index.svg', ({ params }, reply) => {
    const index = INDEX.test(params.index) ? Number(params.index) : PICTURES
    if (index >= PICTURES) throw errors.unknownRoute()
    reply.headers(PICTURE_HEADERS).send(picture(index))
  })
}
