import { open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../config.ts'
import { makeDataFolder } from '../data-folder.ts'
import { once } from '../once.ts'
import type { BucketTimeouts } from './bucket.ts'
import { doAll } from './do-all.ts'
import { isOurName } from './file-name.ts'

/** Where files that are handed out lie. */
export interface ExportStorage {
  /** where this server makes a file before it is kept */
  partPath: (name: string) => string
  /** takes a file that is made, whole or not at all. @param signal stops it; thrown is then its reason */
  keep: (name: string, mediaType: string, signal?: AbortSignal) => Promise<void>
  /**
   * deletes it and what was made of it; also where there is none
   *
   * @param bucket where it is kept; null: on the own disk
   * @param signal stops it
   */
  remove: (name: string, bucket: string | null, signal?: AbortSignal) => Promise<void>
  /** the bucket that files are kept in, and how it is reached; null: on the own disk */
  bucket: string | null
  /** the files of exports on this server's own disk, and nothing else that is in their folder */
  listLocal: () => Promise<string[]>
  /** deletes from this server's own disk what was last written before these times, epoch ms: whole files, and begun ones */
  removeOld: (before: { kept: number; begun: number }) => Promise<void>
  /** an address of the storage's own, for so long; null: the files are in `folder`, and we serve them */
  presign: ((name: string, seconds: number) => Promise<string>) | null
  folder: string
}

const PART = '.part'

/** The storage that the settings name: the data folder, or a bucket of a service that speaks S3. */
export function createExportStorage(
  { dataDir, exports }: Pick<Config, 'dataDir' | 'exports'>,
  timeouts?: BucketTimeouts,
): ExportStorage {
  const folder = join(dataDir, 'exports')
  const partPath = (name: string) => join(folder, `${name}${PART}`)
  async function listLocal(): Promise<string[]> {
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
    // a volume has folders of its own there, such as lost+found
    return entries.filter((entry) => entry.isFile() && isOurName(entry.name)).map((entry) => entry.name)
  }
  const removeLocal = async (name: string) => {
    await removeFile(join(folder, name))
    await removeFile(partPath(name))
  }
  const local = {
    folder,
    partPath: (name: string) => {
      makeDataFolder(folder)
      return partPath(name)
    },
    listLocal,
    async removeOld({ kept, begun }: { kept: number; begun: number }) {
      const names = await listLocal()
      await doAll(names.map((name) => () => removeWhereOlder(join(folder, name), name.endsWith(PART) ? begun : kept)))
    },
  }
  if (exports.storage === 'fs') {
    return {
      ...local,
      keep: (name) => rename(partPath(name), join(folder, name)),
      remove: removeLocal,
      bucket: null,
      presign: null,
    }
  }
  // loaded by who stores there alone: its client is large
  const bucket = once(async () => (await import('./bucket.ts')).openBucket(exports, timeouts))
  return {
    ...local,
    async keep(name, mediaType, signal) {
      const path = partPath(name)
      // an erasure may take it away meanwhile
      const file = await open(path)
      const { size } = await file.stat()
      const body = file.createReadStream()
      try {
        await (await bucket()).put(name, { body, size, mediaType }, signal)
      } finally {
        // one that is not read to its end closes its file no other way
        body.destroy()
      }
      await rm(path, { force: true })
    },
    async remove(name, place, signal) {
      await removeLocal(name)
      if (place !== null) await (await bucket()).remove(name, signal)
    },
    bucket: `${exports.bucket} at ${exports.endpoint === null ? 'Amazon' : new URL(exports.endpoint).href}`,
    presign: async (name, seconds) => await (await bucket()).presign(name, seconds),
  }
}

/** @param before epoch ms */
async function removeWhereOlder(path: string, before: number): Promise<void> {
  const found = await stat(path).catch(() => null)
  if (found && found.mtimeMs < before) await removeFile(path)
}

/** Also where there is none, or no folder for it. */
async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOTDIR') throw error
  })
}
