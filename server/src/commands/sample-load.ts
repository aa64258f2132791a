import { loadSample, removeSample } from '../../sample/load-sample.ts'
import { checkSampleFolder, describeSample, writeSampleFile } from '../../sample/sample-file.ts'
import { createExportStorage } from '../exports/storage.ts'
import { readSampleMark } from '../organizations/sample-mark.ts'
import { CommandError } from './command-error.ts'
import { answer, type CommonOptions } from './output.ts'
import { showProgress } from './progress.ts'
import { withStore } from './with-store.ts'

export async function run(options: CommonOptions & { asOf?: string }): Promise<void> {
  const asOf = options.asOf === undefined ? Temporal.Now.plainDateISO('UTC') : parseDay(options.asOf)
  await withStore(
    async (store, config, secrets) => {
      const sample = await store.alone(async () => {
        const state = (await readSampleMark(store.db))?.state
        if (state === 'loaded') {
          throw new CommandError('The sample is there already: `npx dynamo sample remove` takes it away')
        }
        await checkSampleFolder(config.dataDir)
        if (state === 'loading') await removeSample(store, createExportStorage(config))
        const progress = showProgress('Loading the sample', 100)
        const { publicUrl } = config
        const onProgress = (share: number) => progress.update(share * 100)
        const mark = await loadSample(store, secrets, { asOf, publicUrl, onProgress })
        progress.stop()
        return await describeSample(store, secrets, mark, publicUrl)
      })
      if (!sample) throw new CommandError("The sample's key was revoked while it was loaded")
      await writeSampleFile(config.dataDir, sample)
      answer(options, sample.organizationId, { id: sample.organizationId, ...sample })
    },
    { mayMake: true },
  )
}

function parseDay(text: string): Temporal.PlainDate {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) throw new CommandError('--as-of is a date such as 2026-05-30', 2)
  try {
    return Temporal.PlainDate.from(text, { overflow: 'reject' })
  } catch {
    throw new CommandError('--as-of is a date such as 2026-05-30', 2)
  }
}
