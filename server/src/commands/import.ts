import type { Pace } from '../database/pace.ts'
import type { Store } from '../database/store.ts'
import { MAX_AHEAD_MS, parseTimestamp } from '../http/timestamp.ts'
import { conversationsKind } from '../imports/conversations.ts'
import { type ImportCounts, importFile } from '../imports/import-file.ts'
import type { ImportKind, KindOptions } from '../imports/kind.ts'
import { purchasesKind } from '../imports/purchases.ts'
import { createRejects } from '../imports/rejected-file.ts'
import { type Format, openSource, type Source } from '../imports/source.ts'
import { usersKind } from '../imports/users.ts'
import { CommandError } from './command-error.ts'
import { findOrganization, hasLists } from './find.ts'
import { answer, type CommonOptions, say } from './output.ts'
import { showProgress } from './progress.ts'
import { withStore } from './with-store.ts'

interface Options extends CommonOptions {
  organization: string
  format?: Format
  asOf?: string
}

/** Written before another thread would have started. */
const SHORT_BYTES = 65_536

type Kind = 'conversations' | 'users' | 'purchases'

/** Exit code 1 where a row was rejected: what is in the file is not all in the store. */
export async function run(kind: Kind, file: string, options: Options): Promise<void> {
  const now = Date.now()
  const asOf = options.asOf === undefined ? undefined : parseAsOf(options.asOf, now + MAX_AHEAD_MS)
  const source = await openSource(file, options.format, now)
  await withStore(
    async (store) => {
      const { orgId } = await findOrganization(store, options.organization)
      const kindOptions: KindOptions = {
        orgId,
        eventTimestamp: asOf ?? source.changedTimestamp,
        lastTimestamp: now + MAX_AHEAD_MS,
        isText: source.format === 'csv',
      }
      const { counts, notes } = await runKind(store, source, kind, kindOptions)
      for (const note of notes) say(note)
      if (counts.rejected > 0) {
        // a file that is mended is a newer one than that whose rows it has
        const asOf = kind === 'purchases' ? '' : ` with --as-of ${new Date(kindOptions.eventTimestamp).toISOString()}`
        say(`The rejected rows are in ${source.rejectedPath}: mend them and import that file${asOf}`)
      }
      const { read, imported, unchanged, rejected } = counts
      answer(options, `read ${read}, imported ${imported}, unchanged ${unchanged}, rejected ${rejected}`, counts)
      if (rejected > 0) process.exitCode = 1
    },
    { writerThread: source.size === null || source.size > SHORT_BYTES },
  )
}

function parseAsOf(text: string, lastTimestamp: number): number {
  const parsed = parseTimestamp(text)
  if ('fault' in parsed || parsed.timestamp > lastTimestamp) {
    throw new CommandError('--as-of is epoch ms or ISO-8601, such as 2026-05-30T13:00:00Z, and not in the future', 2)
  }
  return parsed.timestamp
}

async function runKind(store: Store, source: Source, kind: Kind, options: KindOptions) {
  const pace = store.pace({ isListed: await hasLists(store, options.orgId) })
  if (kind === 'conversations') return runImport(store, source, conversationsKind(options), pace)
  if (kind === 'users') return runImport(store, source, usersKind(options), pace)
  return runImport(store, source, purchasesKind(options), pace)
}

async function runImport<Fact extends object>(
  store: Store,
  source: Source,
  kind: ImportKind<Fact>,
  pace: Pace,
): Promise<{ counts: ImportCounts; notes: string[] }> {
  const progress = showProgress('Importing', source.size ?? 0)
  const rejects = createRejects(source.rejectedPath, source.format, progress.say)
  try {
    const counts = await importFile(store, source, kind, {
      pace,
      onColumns: rejects.setColumns,
      onRejected: rejects.add,
      onProgress: ({ read }) => progress.update(source.bytesRead(), `${read} rows`),
    })
    return { counts, notes: kind.notes() }
  } finally {
    progress.stop()
    pace.close()
    rejects.close()
  }
}
