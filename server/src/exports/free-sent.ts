import type { ServerResponse } from 'node:http'
import { type Readable, Transform } from 'node:stream'

/**
 * Passes a file's pieces on, and frees the memory of each once the socket has taken it: left to the collector there are
 * tens of MB of them at any time. A piece that may still be waited for is left to it.
 *
 * @param file a stream of pieces that are nobody else's
 */
export function freeSent(file: Readable, response: ServerResponse): Readable {
  let sent: Buffer<ArrayBuffer> | undefined
  const pieces = new Transform({
    transform(piece: Buffer<ArrayBuffer>, _encoding, done) {
      const isTaken = this.readableLength === 0 && response.writableLength === 0
      // of a part of a larger memory the rest is somebody else's
      if (sent && isTaken && sent.byteLength === sent.buffer.byteLength) sent.buffer.transfer(0)
      sent = piece
      done(null, piece)
    },
  })
  file.on('error', (error) => pieces.destroy(error))
  pieces.on('close', () => file.destroy())
  return file.pipe(pieces)
}
