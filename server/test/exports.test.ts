import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import S3rver from '@20minutes/s3rver'
import { loadConfig } from '../src/config.ts'
import type { Store } from '../src/database/store.ts'
import { removeFiles } from '../src/exports/remove-files.ts'
import { createExportStorage } from '../src/exports/storage.ts'
import { testApp } from './app.ts'
import { recordVips } from './lists.ts'
import { makeOrganization } from './organization.ts'
import { type Credentials, sign } from './signed.ts'
import { eachStore } from './stores.ts'

const COUNT = 1_500

eachStore((get) => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dynamo-test-'))
  })
  after(() => rm(folder, { recursive: true }))

  async function setUp(env: Record<string, string> = {}, count = COUNT) {
    const { store } = get()
    const dataDir = await mkdtemp(join(folder, 'data-'))
    const config = { PUBLIC_URL: 'https://vip.example.com', DYNAMO_DATA_DIR: dataDir, ...env }
    const tested = testApp(store, config)
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
    const storage = createExportStorage(loadConfig(config))
    return { ...tested, store, organization, mediumId, credentials, query, exported, dataDir, storage }
  }

  const exportsOf = (orgId: number) =>
    get().store.db.selectFrom('exports as e').select(['e.file_name', 'e.state']).where('e.org_id', '=', orgId).execute()

  /** The list as it is paged through. */
  async function walk({ get: ask, credentials, query }: Awaited<ReturnType<typeof setUp>>): Promise<object[]> {
    const rows: object[] = []
    for (let offset: number | null = 0; offset !== null; ) {
      const page: { items: object[]; nextOffset: number | null } = (
        await ask(credentials, `/vip-users?${query}&limit=1000&offset=${offset}`)
      ).json()
      rows.push(...page.items)
      offset = page.nextOffset
    }
    return rows
  }

  test('a file holds every row of the list in its order, and is fetched without signing', async () => {
    const t = await setUp()
    const { totalCount, csvUrl, path } = await t.exported('&format=ndjson')
    assert.equal(totalCount, COUNT)
    assert(csvUrl.startsWith(`https://vip.example.com/exports/${t.organization.organizationId}/vip-users-`))
    const file = await t.app.inject(path)
    assert.equal(file.statusCode, 200)
    assert.deepEqual(
      file.body
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
      await walk(t),
    )
    const { headers } = file
    assert.equal(headers['content-type'], 'application/x-ndjson; charset=utf-8')
    assert.match(String(headers['content-disposition']), /^attachment; filename="vip-users-[0-9a-f]{24}\.ndjson"$/)
    assert.equal(headers['cache-control'], 'private, no-store')
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.equal(headers['content-length'], String(Buffer.byteLength(file.body)))

    const csv = (await t.app.inject((await t.exported()).path)).body.split('\r\n')
    assert.equal(csv.length, COUNT + 2)
    assert.match(csv[1] ?? '', new RegExp(`^${t.mediumId}-${COUNT - 1},User ${COUNT - 1},,,u${COUNT - 1},`))
    const names = await readdir(join(t.dataDir, 'exports'))
    assert.deepEqual(names.map((name) => name.replace(/.*\./, '')).toSorted(), ['csv', 'ndjson'])
  })

  test('filters are those of the list, and the rank is that in the whole list', async () => {
    const t = await setUp({}, 20)
    const { orgId } = t.organization
    await t.store.write('recordUsers', {
      orgId,
      users: ['u3', 'u11'].map((cuid, index) => ({
        cuid,
        properties: [{ key: 'birthday', value: index === 0 ? '1988-02-29' : '--05-17' }],
        lastAppOpenTimestamp: null,
        eventTimestamp: 1_770_000_000_000,
      })),
    })
    const rows = async (more: string) =>
      (await t.app.inject((await t.exported(more)).path)).body.trimEnd().split('\r\n').slice(1)
    const cuids = async (more: string) => (await rows(more)).map((line) => line.split(',')[4])
    assert.deepEqual(await cuids('&birthdayMonth=2'), ['u3'])
    assert.deepEqual(await cuids('&hasBirthday=true'), ['u11', 'u3'])
    assert.equal((await cuids('&hasBirthday=false')).length, 20)
    // of 20 by their LTV 11 is the ninth, 3 the seventeenth
    assert.deepEqual(
      (await rows('&hasBirthday=true&format=excel')).map((line) => line.split(',').slice(-3)),
      [
        ['9', '11.00', ''],
        ['17', '3.00', ''],
      ],
    )
    assert.deepEqual(await cuids('&birthdayMonth=1'), [])
  })

  test('it is refused where the list is, in the same order, and for the parameters of a page', async () => {
    const t = await setUp({}, 1)
    const { workspaceId } = t.organization
    const refused = async (query: string, key: Credentials = t.credentials) => {
      const answer = await t.get(key, `/vip-users/export?${query}`)
      return [answer.statusCode, answer.statusCode === 422 ? answer.json().error[0].type : answer.json().message]
    }
    assert.deepEqual(await refused(`${t.query}&limit=5`), [422, 'object.unknown'])
    assert.deepEqual(await refused(`${t.query}&offset=5`), [422, 'object.unknown'])
    assert.deepEqual(await refused(`${t.query}&format=xlsx`), [422, 'any.only'])
    assert.deepEqual(await refused(`workspaceId=${workspaceId}`), [422, 'any.required'])
    assert.deepEqual(await refused(`workspaceId=none&mediumId=${t.mediumId}`), [404, 'Unknown workspace'])
    assert.deepEqual(await refused(`workspaceId=${workspaceId}&mediumId=none`), [
      400,
      'Unknown channel, or not connected to this workspace',
    ])
    const other = await t.key((await makeOrganization(t.store)).orgId)
    assert.deepEqual(await refused(t.query, other), [404, 'Unknown workspace'])
    assert.equal((await refused(t.query, await t.key(t.organization.orgId, 'report')))[0], 403)
    assert.deepEqual(await readdir(join(t.dataDir, 'exports')).catch(() => []), [])
    assert.equal((await t.get(t.credentials, `/externalApi/v1/vip-users/export?${t.query}`)).statusCode, 200)
  })

  test('parts of a file can be fetched, and its headers alone', async () => {
    const t = await setUp({}, 50)
    const { path } = await t.exported()
    const whole = (await t.app.inject(path)).body
    const part = await t.app.inject({ url: path, headers: { range: 'bytes=10-19' } })
    assert.deepEqual([part.statusCode, part.body], [206, whole.slice(10, 20)])
    assert.equal(part.headers['content-range'], `bytes 10-19/${Buffer.byteLength(whole)}`)
    const past = await t.app.inject({ url: path, headers: { range: 'bytes=999999-' } })
    assert.equal(past.statusCode, 416)
    const head = await t.app.inject({ method: 'HEAD', url: path })
    assert.deepEqual([head.statusCode, head.body], [200, ''])
    assert.equal(head.headers['content-length'], String(Buffer.byteLength(whole)))
  })

  test('an address that expired or that we did not make is 403, one of a deleted file 404', async () => {
    const t = await setUp({}, 5)
    const { path } = await t.exported()
    const [, other] = [await makeOrganization(t.store), await t.exported()]
    const answer = async (url: string) => {
      const { statusCode, body } = await t.app.inject(url)
      return [statusCode, statusCode === 200 ? '' : JSON.parse(body).message]
    }
    const forbidden = [403, 'The address has expired, or was not made by this service']
    const signature = /signature=(.+)$/.exec(path)?.[1] ?? ''
    for (const forged of [
      path.replace(/expires=\d+/, 'expires=9999999999'),
      path.replace(/signature=.*/, 'signature='),
      path.replace(/[?].*/, ''),
      path.replace(/vip-users-[0-9a-f]+/, /vip-users-[0-9a-f]+/.exec(other.path)?.[0] ?? ''),
      `${path.slice(0, -1)}${path.endsWith('A') ? 'B' : 'A'}`,
      `${path}&signature=${signature}`,
      `/exports/x/${encodeURIComponent('../dynamo.sqlite')}?expires=9999999999&signature=${signature}`,
    ]) {
      assert.deepEqual(await answer(forged), forbidden, forged)
    }
    assert.equal((await answer(path))[0], 200)
    const expires = Number(/expires=(\d+)/.exec(path)?.[1])
    assert(Math.abs(expires * 1_000 - Date.now() - 3_600_000) < 60_000)
    t.clock.ms = expires * 1_000 - 1
    assert.equal((await answer(path))[0], 200)
    t.clock.ms = expires * 1_000
    assert.deepEqual(await answer(path), forbidden)

    t.clock.ms = Date.now()
    await removeFiles(t.store, t.storage, { now: Date.now() + 3_500_000 })
    assert.equal((await answer(path))[0], 200)
    await removeFiles(t.store, t.storage, { now: Date.now() + 3_700_000 })
    assert.deepEqual(await answer(path), [404, 'The file is deleted'])
    assert.deepEqual(await readdir(join(t.dataDir, 'exports')), [])
  })

  test('who is erased is in no stored export, and in none that was being made', async () => {
    const t = await setUp({}, 40)
    const { orgId } = t.organization
    const { path } = await t.exported()
    const erased = await t.post(t.credentials, '/v1.0/user/deleteUserData', { userId: 'u7' })
    assert.equal(erased.statusCode, 200)
    assert.equal((await t.app.inject(path)).statusCode, 404)
    assert.deepEqual(await readdir(join(t.dataDir, 'exports')), [])

    // between the snapshot and the answer
    let erasures = 0
    const store: Store = {
      ...t.store,
      async snapshot(read) {
        const rows = await t.store.snapshot(read)
        const cuid = `u${10 + erasures++}`
        if (erasures < 3) await t.store.write('eraseUser', { orgId, cuid, erasedTimestamp: Date.now() })
        return rows
      },
    }
    const { app, get: ask } = testApp(store, { DYNAMO_DATA_DIR: t.dataDir })
    const answer = await ask(t.credentials, `/vip-users/export?${t.query}`)
    const { totalCount, csvUrl } = answer.json()
    const { body } = await app.inject(new URL(csvUrl).pathname + new URL(csvUrl).search)
    assert.equal(totalCount, 37)
    assert.doesNotMatch(body, /,u(?:7|10|11),/)
    assert.match(body, /,u12,/)
    assert.equal((await readdir(join(t.dataDir, 'exports'))).length, 1)
  })

  test('who is erased over the API while an export is made is in none, and the export is made anew', async () => {
    const t = await setUp({}, 40)
    let isFirst = true
    const store: Store = {
      ...t.store,
      async snapshot(read) {
        const rows = await t.store.snapshot(read)
        if (isFirst) {
          isFirst = false
          assert.equal((await readdir(join(t.dataDir, 'exports'))).length, 1)
          const erased = await t.post(t.credentials, '/v1.0/user/deleteUserData', { userId: 'u7' })
          assert.equal(erased.statusCode, 200)
          // what was written of the person so far is gone with the answer
          assert.deepEqual(await readdir(join(t.dataDir, 'exports')), [])
          // a server that is killed now leaves a row behind, by which its file would be found
          assert.deepEqual(
            (await exportsOf(t.organization.orgId)).map((row) => row.state),
            ['ended'],
          )
        }
        return rows
      },
    }
    const { app, get: ask } = testApp(store, { DYNAMO_DATA_DIR: t.dataDir })
    const answer = await ask(t.credentials, `/vip-users/export?${t.query}`)
    assert.equal(answer.statusCode, 200, answer.body)
    const { totalCount, csvUrl } = answer.json()
    const { pathname, search } = new URL(csvUrl)
    assert.equal(totalCount, 39)
    assert.doesNotMatch((await app.inject(pathname + search)).body, /,u7,/)
    assert.deepEqual(
      (await exportsOf(t.organization.orgId)).map((row) => row.state),
      ['stored'],
    )
  })

  test('a list that moves meanwhile is exported as it was at one moment', async () => {
    const t = await setUp({}, 3_000)
    const { orgId } = t.organization
    let isDone = false
    const moving = (async () => {
      for (let n = 0; !isDone; n++) {
        const purchases = Array.from({ length: 50 }, (_, index) => ({
          purchaseId: `move-${n}-${index}`,
          cuid: `u${(n * 50 + index) % 3_000}`,
          revenueMicros: 5_000_000_000n,
          timestamp: 1_780_000_000_000 + n,
        }))
        await t.store.write('recordPurchases', { orgId, purchases })
      }
    })()
    for (let round = 0; round < 5; round++) {
      const { totalCount, path } = await t.exported('&format=excel')
      const rows = (await t.app.inject(path)).body
        .trimEnd()
        .split('\r\n')
        .slice(1)
        .map((line) => line.split(','))
      assert.equal(totalCount, 3_000)
      assert.equal(new Set(rows.map((cells) => cells[0])).size, 3_000)
      const ltvs = rows.map((cells) => Number(cells.at(-2)))
      assert.deepEqual(
        ltvs,
        ltvs.toSorted((one, other) => other - one),
      )
      // each batch is seen whole or not at all
      const moved = ltvs.reduce((sum, ltv) => sum + Math.floor(ltv / 5_000), 0)
      assert.equal(moved % 50, 0)
    }
    isDone = true
    await moving
  })

  test('a file that cannot be stored is a 500 without leftovers', async () => {
    const t = await setUp({}, 5)
    // where the folder should be there is a file
    await writeFile(join(t.dataDir, 'exports'), '')
    const answer = await t.get(t.credentials, `/vip-users/export?${t.query}`)
    assert.deepEqual([answer.statusCode, answer.json()], [500, { message: 'The file could not be stored' }])
    assert.deepEqual(await exportsOf(t.organization.orgId), [])
  })

  test('more than a few at once wait, and still more are told to come back', async () => {
    const t = await setUp({}, 5)
    const { promise: opened, resolve: open } = Promise.withResolvers<void>()
    const store: Store = {
      ...t.store,
      async snapshot(read) {
        await opened
        return t.store.snapshot(read)
      },
    }
    const { get: ask } = testApp(store, { DYNAMO_DATA_DIR: t.dataDir })
    const all = Array.from({ length: 12 }, () => ask(t.credentials, `/vip-users/export?${t.query}`))
    const refused = await Promise.race(all)
    assert.deepEqual(
      [refused.statusCode, refused.headers['retry-after'], refused.json()],
      [503, '10', { message: 'Too many exports run and wait' }],
    )
    open()
    const statuses = (await Promise.all(all)).map((answer) => answer.statusCode)
    assert.deepEqual(statuses.toSorted(), [...Array(10).fill(200), 503, 503])
  })

  test('what a killed server was making is cleared away', async () => {
    const t = await setUp({}, 5)
    const { orgId } = t.organization
    const fileName = await t.store.write('beginExport', { orgId, extension: 'csv' })
    await writeFile(t.storage.partPath(fileName), 'conversationId\r\n')
    const stray = t.storage.partPath('stray.csv')
    await writeFile(stray, '')
    const past = (Date.now() - 7_200_000) / 1_000
    await utimes(stray, past, past)
    await removeFiles(t.store, t.storage, { now: Date.now() })
    assert.deepEqual(await readdir(join(t.dataDir, 'exports')), [`${fileName}.part`])
    await removeFiles(t.store, t.storage, { now: Date.now() + 3_700_000 })
    assert.deepEqual(await readdir(join(t.dataDir, 'exports')), [])
  })

  test('what nobody waits for any more is not made', async () => {
    const t = await setUp({}, 5)
    const hungUp = Promise.withResolvers<void>()
    const reading = Promise.withResolvers<void>()
    const store: Store = {
      ...t.store,
      async snapshot(read) {
        reading.resolve()
        await hungUp.promise
        return t.store.snapshot(read)
      },
    }
    const { app } = testApp(store, { DYNAMO_DATA_DIR: t.dataDir })
    app.addHook('onRequest', (request, _reply, done) => {
      request.raw.socket.once('close', () => hungUp.resolve())
      done()
    })
    const url = await app.listen({ port: 0 })
    const client = new AbortController()
    const headers = sign(t.credentials, new Date(t.clock.ms).toISOString())
    const asked = fetch(`${url}/vip-users/export?${t.query}`, { headers, signal: client.signal })
    await reading.promise
    assert.equal((await readdir(join(t.dataDir, 'exports'))).length, 1)
    client.abort()
    await assert.rejects(asked, { name: 'AbortError' })
    // the row goes last
    while ((await exportsOf(t.organization.orgId)).length > 0) await pause(5)
    await app.close()
    assert.deepEqual(await readdir(join(t.dataDir, 'exports')), [])
  })

  test('one connection can ask for any number of exports', async () => {
    const t = await setUp({}, 1)
    const listeners: number[] = []
    t.app.addHook('onRequest', (request, _reply, done) => {
      listeners.push(request.raw.socket.listenerCount('close'))
      done()
    })
    const url = await t.app.listen({ port: 0 })
    const headers = sign(t.credentials, new Date(t.clock.ms).toISOString())
    for (let count = 0; count < 12; count++) {
      const answer = await fetch(`${url}/vip-users/export?${t.query}`, { headers })
      assert.equal(answer.status, 200)
      await answer.text()
    }
    await t.app.close()
    assert.deepEqual([...new Set(listeners)], [listeners[0]])
  })

  test('a bucket of a service that speaks S3 keeps the files, and hands them out by its own addresses', async () => {
    const directory = await mkdtemp(join(folder, 's3-'))
    const s3 = new S3rver({ port: 0, silent: true, directory, configureBuckets: [{ name: 'exports', configs: [] }] })
    const { port } = await s3.run()
    try {
      const t = await setUp(
        {
          EXPORT_STORAGE: 's3',
          S3_BUCKET: 'exports',
          S3_ENDPOINT: `http://127.0.0.1:${port}`,
          S3_ACCESS_KEY_ID: 'S3RVER',
          S3_SECRET_ACCESS_KEY: 'S3RVER',
        },
        30,
      )
      const { totalCount, csvUrl } = await t.exported()
      assert.equal(totalCount, 30)
      assert(csvUrl.startsWith(`http://127.0.0.1:${port}/exports/vip-users-`), csvUrl)
      const file = await fetch(csvUrl)
      assert.equal(file.status, 200)
      assert.equal(file.headers.get('content-type'), 'text/csv; charset=utf-8')
      assert.match(file.headers.get('content-disposition') ?? '', /^attachment; /)
      assert.equal((await file.text()).split('\r\n').length, 32)
      assert.deepEqual(await readdir(join(t.dataDir, 'exports')), [])
      assert.equal((await fetch(csvUrl.replace(/Signature=\w{6}/, 'Signature=000000'))).status, 403)
      assert.equal((await t.app.inject('/exports/x/y')).statusCode, 404)

      await t.post(t.credentials, '/v1.0/user/deleteUserData', { userId: 'u7' })
      assert.equal((await fetch(csvUrl)).status, 404)
      await s3.close()
      const answer = await t.get(t.credentials, `/vip-users/export?${t.query}`)
      assert.deepEqual([answer.statusCode, answer.json()], [500, { message: 'The file could not be stored' }])
      assert.deepEqual(await readdir(join(t.dataDir, 'exports')), [])
    } finally {
      await s3.close().catch(() => undefined)
    }
  })
})
