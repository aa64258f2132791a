import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

/** The settings of a bucket that this server, which listens from then on, stands for. */
export async function bucketOn(server: Server): Promise<Record<string, string>> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const keys = { S3_ACCESS_KEY_ID: 'key', S3_SECRET_ACCESS_KEY: 'secret' }
  return { EXPORT_STORAGE: 's3', S3_BUCKET: 'exports', S3_ENDPOINT: `http://127.0.0.1:${port}`, ...keys }
}

/** A bucket that takes connections and all that comes over them, and never answers; `asked`: something came. */
export async function openSilentBucket(t: TestContext) {
  const sockets = new Set<Socket>()
  const asked = Promise.withResolvers<void>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('data', () => asked.resolve()).on('error', () => undefined)
  })
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { env: await bucketOn(server), asked: asked.promise }
}
