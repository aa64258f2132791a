import { readMeta, writeMeta } from '../database/meta.ts'
import type { Store } from '../database/store.ts'
import type { Tx } from '../database/write.ts'
import { createOrganization } from './write-organizations.ts'

/** What a store remembers of its sample organization. */
export interface SampleMark {
  /** `loading` with nobody at it: a loading that was killed half-way */
  state: 'loading' | 'loaded' | 'removed'
  orgId: number
  organizationId: string
  /** once loaded: what `sample.json` names */
  apiKey?: string
  workspaceId?: string
  mediumIds?: Record<string, string>
}

const NAME = 'sample'

export async function readSampleMark(db: Store['db']): Promise<SampleMark | null> {
  const text = await readMeta(db, NAME)
  return text === null ? null : (JSON.parse(text) as SampleMark)
}

/** Makes the sample's organization and, in the same transaction, the mark by which a half sample is known. */
export async function startSample(tx: Tx, { name }: { name: string }): Promise<SampleMark> {
  const mark: SampleMark = { state: 'loading', ...(await createOrganization(tx, { name })) }
  await writeMeta(tx.db, NAME, JSON.stringify(mark))
  return mark
}

export async function markSample(tx: Tx, { mark }: { mark: SampleMark }): Promise<void> {
  await writeMeta(tx.db, NAME, JSON.stringify(mark))
}
