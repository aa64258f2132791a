import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before } from 'node:test'
import type { Logger } from 'pino'
import { loadConfig } from '../src/config.ts'
import type { BucketTimeouts } from '../src/exports/bucket.ts'
import { createExportStorage } from '../src/exports/storage.ts'
import { testApp } from './app.ts'
import { recordVips } from './lists.ts'
import { makeOrganization } from './organization.ts'
import type { TestStore } from './stores.ts'

interface SetUpOptions {
  env?: Record<string, string>
  /** of users in the list */
  count?: number
  bucketTimeouts?: BucketTimeouts
  log?: Logger
}

/** For a suite: servers whose organization has a list to export, each with a folder of its own that goes in the end. */
export function exportsOn(get: () => TestStore) {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dynamo-test-'))
  })
  after(() => rm(folder, { recursive: true }))

  const makeFolder = () => mkdtemp(join(folder, 'data-'))

  async function setUp({ env = {}, count = 5, bucketTimeouts, log }: SetUpOptions = {}) {
    const { store } = get()
    const dataDir = await makeFolder()
    const config = { PUBLIC_URL: 'https://vip.example.com', DYNAMO_DATA_DIR: dataDir, ...env }
    const storage = createExportStorage(loadConfig(config), bucketTimeouts)
    const tested = testApp(store, config, { storage, ...(log && { log }) })
    const organization = await makeOrganization(store, { vipIndicator: 'ltv >= 0' })
    const mediumId = organization.channels[0]?.mediumId ?? ''
    await recordVips(store, { orgId: organization.orgId, mediumId, count })
    const credentials = await tested.key(organization.orgId)
    const query = `workspaceId=${organization.workspaceId}&mediumId=${mediumId}`
    const exported = async (more = '') => {
      const answer = await tested.get(credentials, `/vip-users/export?${query}${more}`)
      assert.equal(answer.statusCode, 200, answer.body)
      const { totalCount, csvUrl } = answer.json()
      return { totalCount, csvUrl, path: csvUrl.replace('https://vip.example.com', '') }
    }
    return { ...tested, store, organization, mediumId, credentials, query, exported, dataDir, storage }
  }

  const exportsOf = (orgId: number) =>
    get().store.db.selectFrom('exports as e').select(['e.file_name', 'e.state']).where('e.org_id', '=', orgId).execute()

  return { setUp, exportsOf, makeFolder }
}
