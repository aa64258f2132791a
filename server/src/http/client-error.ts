import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Logger } from 'pino'
import { bodyOf } from './error-handler.ts'
import { type ApiError, errors } from './errors.ts'

/** What Node refuses before there is a request to answer: too slow, too large, no HTTP. */
const CLIENT_ERRORS: Record<string, () => ApiError> = {
  ERR_HTTP_REQUEST_TIMEOUT: errors.requestTimeout,
  HPE_HEADER_OVERFLOW: errors.headersTooLarge,
}

/** Answers on the bare socket, as our other answers look, and closes it. */
export function createClientErrorHandler(now: () => number, requestId: () => string, log: Logger | undefined) {
  return (error: Error & { code?: string }, socket: Socket): void => {
    if (error.code === 'ECONNRESET' || socket.destroyed) return
    const answer = (CLIENT_ERRORS[error.code ?? ''] ?? errors.malformedRequest)()
    const status = answer.statusCode
    const id = requestId()
    log?.info({ id, status, reason: error.code })
    // into an answer that is under way, of which Node tells nowhere else, no other is written
    const isAnswering = Boolean((socket as Socket & { _httpMessage?: ServerResponse })._httpMessage?.headersSent)
    if (socket.writable && !isAnswering) {
      const body = JSON.stringify(bodyOf(answer))
      socket.write(
        `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: application/json; charset=utf-8\r\n` +
          `content-length: ${Buffer.byteLength(body)}\r\nx-server-time: ${new Date(now()).toISOString()}\r\n` +
          `x-request-id: ${id}\r\nx-content-type-options: nosniff\r\nconnection: close\r\n\r\n${body}`,
      )
    }
    if (isAnswering) socket.destroy()
    else socket.destroySoon()
  }
}
