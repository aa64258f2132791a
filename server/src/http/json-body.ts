import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { errors } from './errors.ts'
import { createBodyReader } from './read-body.ts'

/** As much as may wait for the store. */
const MAX_ARRIVING = 64 * 1024 * 1024

const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * Reads JSON bodies strictly: bytes that are no UTF-8 are refused, where the framework would put replacement characters
 * into ids; so is what would reach into an object's prototype. The bytes stay on the request: a repeated one is known
 * by them.
 *
 * @see contract, "Errors" (Texts)
 */
export function readJsonBodies(app: FastifyInstance): void {
  app.decorateRequest('bodyBytes', null)
  const parse = app.getDefaultJsonParser('error', 'error')
  const read = createBodyReader(MAX_ARRIVING)
  app.removeContentTypeParser(['application/json', 'text/plain'])
  app.addContentTypeParser('application/json', async (request: FastifyRequest, arriving: IncomingMessage) => {
    if (isEncoded(request)) throw errors.encodedBody()
    const body = await read(arriving)
    request.bodyBytes = body
    const text = decode(body)
    return await new Promise((resolve, reject) => {
      parse(request, text, (error, value) => (error ? reject(error) : resolve(value)))
    })
  })
}

function isEncoded({ headers }: FastifyRequest): boolean {
  return (headers['content-encoding'] ?? 'identity').toLowerCase() !== 'identity'
}

function decode(body: Buffer): string {
  try {
    return utf8.decode(body)
  } catch {
    throw errors.malformedUtf8()
  }
}
