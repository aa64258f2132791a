import type { Store } from '../database/store.ts'
import { ApiError, errors } from '../http/errors.ts'
import { type ExportFormat, FORMATS } from './formats.ts'
import type { ExportQuestion } from './read-rows.ts'
import type { ExportStorage } from './storage.ts'
import { writeFile } from './write-file.ts'
import { writeList } from './write-list.ts'

export interface CreatedExport {
  fileName: string
  rows: number
  /** epoch ms */
  expiresTimestamp: number
}

/** While people are erased one after the other, an export is made anew this often. */
const MAX_ATTEMPTS = 3

/**
 * Makes a list's file and stores it, whole or not at all.
 *
 * @throws ApiError 404, 400 as the list does; 500 where the file cannot be stored
 * @see contract, "Exports"
 */
export async function createExport(
  store: Store,
  storage: ExportStorage,
  question: ExportQuestion,
  { format, signal }: { format: ExportFormat; signal: AbortSignal },
): Promise<CreatedExport> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const created = await attemptExport(store, storage, question, { format, signal })
    if (created) return created
  }
  throw errors.storeBusy(new Error('Users were erased while the list was exported'))
}

async function attemptExport(
  store: Store,
  storage: ExportStorage,
  question: ExportQuestion,
  { format, signal }: { format: ExportFormat; signal: AbortSignal },
): Promise<CreatedExport | null> {
  const { orgId } = question
  const { extension, mediaType } = FORMATS[format]
  const fileName = await store.write('beginExport', { orgId, extension, bucket: storage.bucket })
  try {
    const rows = await writeFile(storage.partPath(fileName), (write) =>
      writeList(store, question, { format, signal, write }),
    )
    await storage.keep(fileName, mediaType, signal)
    const expiresTimestamp = await store.write('finishExport', { orgId, fileName })
    if (expiresTimestamp !== null) return { fileName, rows, expiresTimestamp }
  } catch (error) {
    // a store that is lost says nothing
    const isEnded = await isExportEnded(store, orgId, fileName).catch(() => false)
    await abandon(store, storage, orgId, fileName)
    // an erasure takes the file away while it is made
    if (isEnded) return null
    throw error instanceof ApiError ? error : errors.exportFailed(error)
  }
  await abandon(store, storage, orgId, fileName)
  return null
}

async function isExportEnded({ db }: Pick<Store, 'db'>, orgId: number, fileName: string): Promise<boolean> {
  const row = await db
    .selectFrom('exports as e')
    .select('e.state')
    .where('e.org_id', '=', orgId)
    .where('e.file_name', '=', fileName)
    .executeTakeFirst()
  return row?.state === 'ended'
}

/** What cannot be deleted now, the next sweep deletes: its row is still there. */
async function abandon(store: Store, storage: ExportStorage, orgId: number, fileName: string): Promise<void> {
  await storage
    .remove(fileName, storage.bucket)
    .then(() => store.write('forgetExport', { orgId, fileName }))
    .catch(() => undefined)
}
