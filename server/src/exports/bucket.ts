import type { ReadStream } from 'node:fs'
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import type { Config } from '../config.ts'
import { attachment } from './attachment.ts'

type BucketConfig = Extract<Config['exports'], { storage: 's3' }>

export interface Bucket {
  put: (name: string, file: { body: ReadStream; size: number; mediaType: string }) => Promise<void>
  remove: (name: string) => Promise<void>
  presign: (name: string, seconds: number) => Promise<string>
}

const MAX_ATTEMPTS = 3

/** A bucket of a service that speaks S3. Without keys in the settings the client finds its own, as its documentation says. */
export function openBucket({ bucket, region, endpoint, credentials }: BucketConfig): Bucket {
  const client = new S3Client({
    region,
    maxAttempts: MAX_ATTEMPTS,
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
    async put(name, { body, size, mediaType }) {
      const what = { ContentLength: size, ContentType: mediaType, CacheControl: 'private, no-store' }
      await client.send(
        new PutObjectCommand({ Bucket: bucket, Key: name, Body: body, ...what, ContentDisposition: attachment(name) }),
      )
    },
    async remove(name) {
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: name })).catch((error: unknown) => {
        // with it all of its files are gone
        if (!(error instanceof Error && error.name === 'NoSuchBucket')) throw error
      })
    },
    presign: (name, seconds) =>
      getSignedUrl(client, new GetObjectCommand({ Bucket: bucket, Key: name }), { expiresIn: seconds }),
  }
}
