import type { ReadStream } from 'node:fs'
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import type { Config } from '../config.ts'
import { attachment } from './attachment.ts'

type BucketConfig = Extract<Config['exports'], { storage: 's3' }>

export interface Bucket {
  /** @param signal ends it; thrown is then its reason */
  put: (
    name: string,
    file: { body: ReadStream; size: number; mediaType: string },
    signal?: AbortSignal,
  ) => Promise<void>
  remove: (name: string, signal?: AbortSignal) => Promise<void>
  presign: (name: string, seconds: number) => Promise<string>
}

/** How long a bucket may keep us waiting, in ms. */
export interface BucketTimeouts {
  /** until a connection is there */
  connectMs: number
  /** without progress: of a file the system holds some 4 MB back, which at 1 Mbit/s take 32 s; however long all of it takes */
  silentMs: number
  /** to delete a file, all attempts together: whoever erases somebody waits for it */
  removeMs: number
}

const TIMEOUTS: BucketTimeouts = { connectMs: 5_000, silentMs: 60_000, removeMs: 15_000 }
const MAX_ATTEMPTS = 3

/** A bucket of a service that speaks S3. Without keys in the settings the client finds its own, as its documentation says. */
export function openBucket(
  { bucket, region, endpoint, credentials }: BucketConfig,
  { connectMs, silentMs, removeMs }: BucketTimeouts = TIMEOUTS,
): Bucket {
  const client = new S3Client({
    region,
    maxAttempts: MAX_ATTEMPTS,
    requestHandler: { connectionTimeout: connectMs, socketTimeout: silentMs },
    // what fails is thrown; on the console it would be nobody's line
    logger: { trace() {}, debug() {}, info() {}, warn() {}, error() {} },
    ...(credentials ? { credentials } : {}),
    // services of one's own know their buckets by path, not by host name
    ...(endpoint === null ? {} : { endpoint, forcePathStyle: true }),
    // others than Amazon's refuse checksums that they do not know
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
  return {
    async put(name, { body, size, mediaType }, signal) {
      const what = { ContentLength: size, ContentType: mediaType, CacheControl: 'private, no-store' }
      const command = new PutObjectCommand({
        ...what,
        Bucket: bucket,
        Key: name,
        Body: body,
        ContentDisposition: attachment(name),
      })
      await client.send(command, signal && { abortSignal: signal }).catch((error: unknown) => {
        signal?.throwIfAborted()
        throw error
      })
    },
    async remove(name, signal) {
      const timeout = AbortSignal.timeout(removeMs)
      const abortSignal = signal ? AbortSignal.any([timeout, signal]) : timeout
      const command = new DeleteObjectCommand({ Bucket: bucket, Key: name })
      await client.send(command, { abortSignal }).catch((error: unknown) => {
        // with it all of its files are gone
        if (!(error instanceof Error && error.name === 'NoSuchBucket')) throw error
      })
    },
    presign: (name, seconds) =>
      getSignedUrl(client, new GetObjectCommand({ Bucket: bucket, Key: name }), { expiresIn: seconds }),
  }
}
