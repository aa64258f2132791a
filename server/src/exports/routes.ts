import { once } from 'node:events'
import { ReadStream } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import send from '@fastify/send'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Store } from '../database/store.ts'
import { errors } from '../http/errors.ts'
import { validateInput } from '../http/input.ts'
import type { Metrics } from '../http/metrics.ts'
import { withoutTimeout } from '../http/without-timeout.ts'
import type { Secrets } from '../secrets.ts'
import { monthsOf } from '../vip-users/filter.ts'
import { isOurs, toPath } from './address.ts'
import { attachment } from './attachment.ts'
import { createExport } from './create-export.ts'
import { KEPT_MS } from './export-rows.ts'
import { exportSchema } from './filter.ts'
import type { ExportFormat } from './formats.ts'
import { freeSent } from './free-sent.ts'
import { createLine } from './line.ts'
import type { ExportQuestion } from './read-rows.ts'
import type { ExportStorage } from './storage.ts'
import { countRows } from './write-list.ts'

/** What the reference says of the route; loaded when somebody reads it. */
const loadOperation = async () => (await import('./operation.ts')).operation

export interface ExportOptions {
  store: Store
  storage: ExportStorage
  secrets: Secrets
  metrics: Metrics
  publicUrl: string
}

/** `GET` and `HEAD /vip-users/export`; of several apps of one server each has its own line. */
export function createExportRoutes({ store, storage, secrets, metrics, publicUrl }: ExportOptions) {
  const inLine = createLine()
  const running = new Set<Promise<unknown>>()

  /** Work that has to be ended, also where nobody waits for it any more, before the store is closed. */
  async function run<T>(work: Promise<T>): Promise<T> {
    running.add(work)
    try {
      return await work
    } finally {
      running.delete(work)
    }
  }

  return (app: FastifyInstance): void => {
    app.addHook('onClose', async () => {
      await Promise.allSettled(running)
    })
    // all that a GET looks at before it makes a file, whose address nobody would get
    app.head('/vip-users/export', async (request, reply) => {
      const { question } = readQuestion(request)
      await countRows(store, question)
      const { workspaceId, mediumId } = question
      request.trace = { workspaceId, mediumId, returned: 0 }
      return reply.header('cache-control', 'no-store').type('application/json; charset=utf-8').send()
    })

    app.get('/vip-users/export', { config: { operation: loadOperation } }, async (request, reply) => {
      const { question, format } = readQuestion(request)
      const { workspaceId, mediumId } = question
      const { organizationId } = request.caller
      const signal = whenHungUp(reply)
      const { fileName, rows, expiresTimestamp } = await metrics.timeExport(() =>
        withoutTimeout(request, () =>
          run(inLine(() => createExport(store, storage, question, { format, signal }), signal)),
        ),
      )
      request.trace = { workspaceId, mediumId, returned: rows }
      const expires = Math.floor(expiresTimestamp / 1_000)
      const csvUrl = storage.presign
        ? await storage.presign(fileName, KEPT_MS / 1_000)
        : `${publicUrl}${toPath(secrets, { organizationId, fileName, expires })}`
      return reply.header('cache-control', 'no-store').send({ totalCount: rows, csvUrl })
    })
  }
}

/** @throws InputError */
function readQuestion({ query, caller: { orgId } }: FastifyRequest): {
  question: ExportQuestion
  format: ExportFormat
} {
  const filter = validateInput(exportSchema, query)
  const { workspaceId, mediumId, format } = filter
  return { question: { orgId, workspaceId, mediumId, months: monthsOf(filter) }, format }
}

/** Nobody waits any more for what this request asks for. */
function whenHungUp({ raw }: FastifyReply): AbortSignal {
  const hungUp = new AbortController()
  raw.once('close', () => hungUp.abort(errors.hungUp()))
  return hungUp.signal
}

interface FileRequest {
  Params: { organizationId: string; fileName: string }
  Querystring: Record<string, unknown>
}

/** `GET /exports/…`: the files of the data folder, to who has an address that we made. */
export function fileRoutes(
  app: FastifyInstance,
  { store, storage, secrets, now }: Pick<ExportOptions, 'store' | 'storage' | 'secrets'> & { now: () => number },
): void {
  if (storage.presign) return
  app.get<FileRequest>('/exports/:organizationId/:fileName', async ({ params, query, raw }, reply) => {
    const { organizationId, fileName } = params
    const { expires, signature } = query
    // as we write it, and not all that is a number
    const isTime = typeof expires === 'string' && /^[1-9]\d{0,14}$/.test(expires)
    const address = { organizationId, fileName, expires: isTime ? Number(expires) : 0 }
    const isAllowed =
      isTime && typeof signature === 'string' && isOurs(secrets, address, signature) && now() < address.expires * 1_000
    if (!isAllowed) throw errors.exportForbidden()
    if (!(await isStored(store, organizationId, fileName))) throw errors.exportDeleted()
    const { statusCode, headers, stream } = await openFile(raw, fileName, storage.folder)
    const mediaType = fileName.endsWith('.csv') ? 'text/csv' : 'application/x-ndjson'
    return reply
      .code(statusCode)
      .headers(headers)
      .headers({
        'content-type': `${mediaType}; charset=utf-8`,
        'content-disposition': attachment(fileName),
        'cache-control': 'private, no-store',
      })
      .send(freeSent(stream, reply.raw))
  })
}

/**
 * What a request for a file is answered: the whole, a part, or that it is still the same.
 *
 * @returns its stream is opened: what cannot be read is known before anything is answered
 * @throws ApiError 404, 412, 416; what the system says of a file that cannot be read
 */
async function openFile(request: IncomingMessage, fileName: string, folder: string): Promise<send.FileSendResult> {
  const options = { root: folder, cacheControl: false, contentType: false, dotfiles: 'deny', index: false } as const
  const found = await send(request, fileName, options)
  const { statusCode, headers, stream } = found
  if (statusCode === 404) throw errors.exportDeleted()
  if (statusCode === 412) throw errors.exportChanged()
  if (statusCode === 416) throw errors.rangeNotSatisfiable(String(headers['Content-Range']))
  if (found.type === 'error') throw errors.internal(found.metadata.error)
  if (found.type === 'directory') throw errors.internal(new Error('Where an exported file should be there is a folder'))
  // there is none where only headers are answered
  if (stream instanceof ReadStream && stream.pending) await once(stream, 'open').catch(throwUnreadable)
  return found
}

/** An erasure may take a file away before it is opened. */
function throwUnreadable(error: NodeJS.ErrnoException): never {
  throw error.code === 'ENOENT' ? errors.exportDeleted() : error
}

async function isStored({ db }: Pick<Store, 'db'>, organizationId: string, fileName: string): Promise<boolean> {
  const row = await db
    .selectFrom('organizations as o')
    .innerJoin('exports as e', 'e.org_id', 'o.org_id')
    .select('e.state')
    .where('o.organization_id', '=', organizationId)
    .where('e.file_name', '=', fileName)
    .executeTakeFirst()
  return row?.state === 'stored'
}
