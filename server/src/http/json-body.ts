import type { FastifyInstance, FastifyRequest } from 'fastify'
import { errors } from './errors.ts'

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
  app.removeContentTypeParser(['application/json', 'text/plain'])
  app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request: FastifyRequest, body, done) => {
    let text: string
    try {
      text = utf8.decode(body)
    } catch {
      done(errors.malformedUtf8())
      return
    }
    request.bodyBytes = body
    parse(request, text, done)
  })
}
