import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tellBenchmark } from './servers.ts'

// The base of every ratio: a server that does nothing but send the bytes of one page. Run with the file that has them.

const body = readFileSync(process.argv[2] ?? '')
const headers = { 'content-type': 'application/json; charset=utf-8', 'content-length': body.length }

const server = createServer((_request, response) => response.writeHead(200, headers).end(body))
server.listen(0, '127.0.0.1', () => tellBenchmark(server))
