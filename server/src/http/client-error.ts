import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Logger } from 'pino'
import { bodyOf } from './error-handler.ts'
import { type ApiError, errors } from './errors.ts'

/** What Node refuses before there is a request to answer: too slow, too large, no HTTP. */
const CLIENT_ERRORS: Record<string, () => ApiError> = {
  ERR_HTTP_REQUEST_TIMEOUT: errors.requestTimeout,
  HPE_HEADER_OVERFLOW: errors.headersTooLarge,
}

/** Answers on the bare socket, as our other answers look, and closes it. */
export function createSocketRefusals(now: () => number, requestId: () => string, log: Logger | undefined) {
  function refuse(socket: Socket, answer: ApiError, reason: string | undefined): void {
    const status = answer.statusCode
    const id = requestId()
    log?.info({ id, status, reason })
    // into an answer that is under way no other is written
    const isAnswering = Boolean(answerOn(socket)?.headersSent)
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

  return {
    clientError(error: Error & { code?: string }, socket: Socket): void {
      if (error.code === 'ECONNRESET' || socket.destroyed) return
      refuse(socket, (CLIENT_ERRORS[error.code ?? ''] ?? errors.malformedRequest)(), error.code)
    },
    /** `CONNECT` names a host to be led to, which is no route of ours. */
    connect(_request: IncomingMessage, stream: Duplex): void {
      // Node's own server has no other streams
      const socket = stream as Socket
      // Node hears it no longer, and unheard it would end the process
      socket.on('error', () => undefined)
      // it would be taken for the answer to what was asked before
      if (answerOn(socket)) socket.destroy()
      else refuse(socket, errors.unknownRoute(), 'CONNECT')
    },
  }
}

/** The answer whose turn it is, of which Node tells nowhere else. */
function answerOn(socket: Socket): ServerResponse | null | undefined {
  return (socket as Socket & { _httpMessage?: ServerResponse | null })._httpMessage
}
