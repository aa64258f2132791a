import type { FastifyInstance } from 'fastify'
import { PICTURES, picture } from '../../sample/picture.ts'
import { errors } from './errors.ts'
import { VERSION } from './openapi.ts'
import { rootOperation } from './service-operations.ts'

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
  app.get('/', { config: { operation: rootOperation } }, (_request, reply) => {
    reply.send({ name: 'Dynamo', version: VERSION, links })
  })

  app.get<{ Params: { index: string } }>('/sample/pictures/:index.svg', ({ params }, reply) => {
    const index = INDEX.test(params.index) ? Number(params.index) : PICTURES
    if (index >= PICTURES) throw errors.unknownRoute()
    reply.headers(PICTURE_HEADERS).send(picture(index))
  })
}
