import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What the stand-in answers: a body, with a status and headers other than 200; or what it does with the connection. */
export type GraphReply =
  | { status?: number; headers?: Record<string, string>; body: unknown }
  | ((response: ServerResponse) => void)

export interface GraphCall {
  path: string
  params: URLSearchParams
  token: string | undefined
}

export interface TestGraph {
  /** with a version, as the Graph API's own */
  url: string
  calls: GraphCall[]
  stop: () => Promise<void>
}

/** A stand-in for the Graph API, for what it is asked; it refuses every token but `token`, and people it does not know. */
export async function startGraph(
  answer: (call: GraphCall) => GraphReply | undefined,
  token: string,
): Promise<TestGraph> {
  const calls: GraphCall[] = []
  const server = createServer((request, response) => {
    const call = toCall(request)
    calls.push(call)
    const reply = call.token === token ? (answer(call) ?? unknownPerson(call.path)) : invalidToken(call.token)
    if (typeof reply === 'function') return reply(response)
    const text = typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body)
    response.writeHead(reply.status ?? 200, { 'content-type': 'application/json; charset=UTF-8', ...reply.headers })
    response.end(text)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/v23.0`,
    calls,
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function toCall({ url = '', headers }: IncomingMessage): GraphCall {
  const { pathname, searchParams } = new URL(url, 'http://graph')
  return {
    path: pathname.replace('/v23.0/', ''),
    params: searchParams,
    token: /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1],
  }
}

/** An error as the Graph API tells it. */
export function graphError(code: number, message: string, more: object = {}): GraphReply {
  return { status: 400, body: { error: { message, type: 'OAuthException', code, fbtrace_id: 'AbCdEf123', ...more } } }
}

/** The platform's own text tells the token. */
const invalidToken = (token: string | undefined) => graphError(190, `Malformed access token ${token}`)

const unknownPerson = (id: string) =>
  graphError(
    100,
    `Unsupported get request. Object with ID '${id}' does not exist, cannot be loaded due to missing permissions, or does not support this operation.`,
    { error_subcode: 33 },
  )
