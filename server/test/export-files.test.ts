import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, readdir, rm, rmdir, utimes, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import S3rver from '@20minutes/s3rver'
import { loadConfig } from '../src/config.ts'
import type { Store } from '../src/database/store.ts'
import { newFileName } from '../src/exports/file-name.ts'
import { removeFiles, warnOfOtherBuckets } from '../src/exports/remove-files.ts'
import { createExportStorage, type ExportStorage } from '../src/exports/storage.ts'
import { testApp } from './app.ts'
import { exportsOn } from './exports.ts'
import { sign } from './signed.ts'
import { eachStore } from './stores.ts'

eachStore((get) => {
  const { setUp, exportsOf, makeFolder } = exportsOn(get)

  test('who is erased is in no stored export, and in none that was being made', async () => {
    const t = await setUp({ count: 40 })
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
    const t = await setUp({ count: 40 })
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

  test('a file that cannot be stored is a 500 without leftovers', async () => {
    const t = await setUp()
    // where the folder should be there is a file
    await writeFile(join(t.dataDir, 'exports'), '')
    const answer = await t.get(t.credentials, `/vip-users/export?${t.query}`)
    assert.deepEqual([answer.statusCode, answer.json()], [500, { message: 'The file could not be stored' }])
    assert.deepEqual(await exportsOf(t.organization.orgId), [])
  })

  test('of a store that is lost while it is exported no half file stays', async () => {
    const t = await setUp()
    let isLost = false
    const lost = () => Object.assign(new Error('terminating connection'), { code: '57P01' })
    const store: Store = {
      ...t.store,
      async snapshot(read) {
        await t.store.snapshot(read)
        isLost = true
        throw lost()
      },
      get db() {
        if (isLost) throw lost()
        return t.store.db
      },
    }
    const folder = join(t.dataDir, 'exports')
    const { get: ask } = testApp(store, { DYNAMO_DATA_DIR: t.dataDir })
    const answer = await ask(t.credentials, `/vip-users/export?${t.query}`)
    assert.deepEqual([answer.statusCode, answer.json()], [500, { message: 'The file could not be stored' }])
    assert.deepEqual(await readdir(folder), [])
  })

  test('a file that another server ended, and could not delete here, is deleted here', async () => {
    const t = await setUp()
    const { orgId } = t.organization
    await t.exported()
    const [file] = await readdir(join(t.dataDir, 'exports'))
    const elsewhere = createExportStorage(loadConfig({ DYNAMO_DATA_DIR: await makeFolder() }))
    await t.store.write('eraseUser', { orgId, cuid: 'u1', erasedTimestamp: Date.now() })
    await removeFiles(t.store, elsewhere, { now: Date.now(), orgId })
    assert.deepEqual(await readdir(join(t.dataDir, 'exports')), [file])
    await removeFiles(t.store, t.storage, { now: Date.now() })
    assert.deepEqual(await readdir(join(t.dataDir, 'exports')), [])
  })

  test('more than a few at once wait, and still more are told to come back', async () => {
    const t = await setUp()
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
    const t = await setUp()
    const { orgId } = t.organization
    const fileName = await t.store.write('beginExport', { orgId, extension: 'csv' })
    await writeFile(t.storage.partPath(fileName), 'conversationId\r\n')
    const stray = t.storage.partPath(newFileName('csv'))
    await writeFile(stray, '')
    const past = (Date.now() - 7_200_000) / 1_000
    await utimes(stray, past, past)
    await removeFiles(t.store, t.storage, { now: Date.now() })
    assert.deepEqual(await readdir(join(t.dataDir, 'exports')), [`${fileName}.part`])
    await removeFiles(t.store, t.storage, { now: Date.now() + 660_000 })
    assert.deepEqual(await readdir(join(t.dataDir, 'exports')), [])
    assert.equal((await exportsOf(orgId)).length, 1)
    await removeFiles(t.store, t.storage, { now: Date.now() + 3_700_000 })
    assert.deepEqual(await readdir(join(t.dataDir, 'exports')), [])
    assert.deepEqual(await exportsOf(orgId), [])
  })

  test('what others lay beside the files of exports stays, and one that cannot be deleted keeps no other', async () => {
    const t = await setUp()
    const { orgId } = t.organization
    await t.exported()
    const folder = join(t.dataDir, 'exports')
    const [file = ''] = await readdir(folder)
    const foreign = ['lost+found', 'notes.csv', 'x.part']
    for (const name of ['lost+found', 'x.part']) await mkdir(join(folder, name))
    await writeFile(join(folder, 'notes.csv'), '')
    await t.storage.removeOld({ kept: 0, begun: Number.POSITIVE_INFINITY })
    assert.deepEqual((await readdir(folder)).sort(), [...foreign, file].sort())
    const later = Date.now() + 7_200_000
    await removeFiles(t.store, t.storage, { now: later })
    assert.deepEqual((await readdir(folder)).sort(), foreign)

    const { path } = await t.exported()
    await t.exported()
    const kept = basename(path.split('?')[0] ?? '')
    await rm(join(folder, kept))
    await mkdir(join(folder, kept))
    await assert.rejects(removeFiles(t.store, t.storage, { now: later }), { code: 'ERR_FS_EISDIR' })
    assert.deepEqual((await readdir(folder)).sort(), [...foreign, kept].sort())
    assert.deepEqual(
      (await exportsOf(orgId)).map((row) => row.file_name),
      [kept],
    )
    await rmdir(join(folder, kept))
    await removeFiles(t.store, t.storage, { now: later })
    assert.deepEqual(await exportsOf(orgId), [])
  })

  test('what nobody waits for any more is not made', async () => {
    const t = await setUp()
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
    const exportsBy = async (outcome: string) => {
      const { body } = await app.inject('/metrics')
      return new RegExp(`^dynamo_export_seconds_count\\{outcome="${outcome}"\\} (\\d+)$`, 'm').exec(body)?.[1]
    }
    app.addHook('onRequest', (request, _reply, done) => {
      request.raw.socket.once('close', () => hungUp.resolve())
      done()
    })
    assert.equal(await exportsBy('failed'), '0')
    const url = await app.listen({ port: 0 })
    const client = new AbortController()
    const headers = sign(t.credentials, new Date(t.clock.ms).toISOString())
    const asked = fetch(`${url}/vip-users/export?${t.query}`, { headers, signal: client.signal })
    await reading.promise
    assert.equal((await readdir(join(t.dataDir, 'exports'))).length, 1)
    client.abort()
    await assert.rejects(asked, { name: 'AbortError' })
    // counted after its row is gone
    while ((await exportsBy('refused')) === undefined) await pause(5)
    assert.deepEqual(await exportsOf(t.organization.orgId), [])
    assert.deepEqual([await exportsBy('failed'), await exportsBy('refused')], ['0', '1'])
    await app.close()
    assert.deepEqual(await readdir(join(t.dataDir, 'exports')), [])
  })

  test('a server that stops ends the exports that run first, however late they notice', async () => {
    const t = await setUp()
    const keeping = Promise.withResolvers<void>()
    const storage: ExportStorage = {
      ...t.storage,
      async keep(_fileName, _mediaType, signal) {
        keeping.resolve()
        if (signal) await once(signal, 'abort')
        await pause(200)
        signal?.throwIfAborted()
      },
    }
    const { app } = testApp(t.store, { DYNAMO_DATA_DIR: t.dataDir }, { storage })
    const url = await app.listen({ port: 0 })
    const headers = sign(t.credentials, new Date(t.clock.ms).toISOString())
    const asked = assert.rejects(fetch(`${url}/vip-users/export?${t.query}`, { headers }), TypeError)
    await keeping.promise
    const closed = app.close()
    app.server.closeAllConnections()
    await Promise.all([asked, closed])
    assert.deepEqual(await exportsOf(t.organization.orgId), [])
    assert.deepEqual(await readdir(join(t.dataDir, 'exports')), [])
  })

  test('who asks is answered however long an export waits and runs without a byte over the connection', async () => {
    const t = await setUp()
    const connectionMs = 500
    const store: Store = {
      ...t.store,
      async snapshot(read) {
        await pause(2 * connectionMs)
        return t.store.snapshot(read)
      },
    }
    const timeouts = { headersMs: 60_000, requestMs: 60_000, checkMs: 20, connectionMs, keepAliveMs: 60_000 }
    const { app } = testApp(store, { DYNAMO_DATA_DIR: t.dataDir }, { timeouts })
    const whenAnswered: unknown[] = []
    app.addHook('onSend', (request, _reply, _payload, done) => {
      whenAnswered.push(request.raw.socket.timeout)
      done()
    })
    const url = await app.listen({ port: 0 })
    const headers = sign(t.credentials, new Date(t.clock.ms).toISOString())
    // two at once, and one that waits for them
    const asked = Array.from({ length: 3 }, () => fetch(`${url}/vip-users/export?${t.query}`, { headers }))
    const answers = await Promise.all(asked)
    assert.deepEqual(
      answers.map((answer) => answer.status),
      [200, 200, 200],
    )
    assert.deepEqual(whenAnswered, [connectionMs, connectionMs, connectionMs])
    await Promise.all(answers.map((answer) => answer.text()))
    await app.close()
  })

  test('one connection can ask for any number of exports', async () => {
    const t = await setUp({ count: 1 })
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

  test('a file on the own disk goes also once a bucket is used', async () => {
    const t = await setUp()
    const { orgId } = t.organization
    await t.exported()
    // nobody listens there
    const bucket = { EXPORT_STORAGE: 's3', S3_BUCKET: 'new', S3_ENDPOINT: 'http://127.0.0.1:9' }
    const storage = createExportStorage(loadConfig({ ...bucket, DYNAMO_DATA_DIR: t.dataDir }))
    await t.store.write('eraseUser', { orgId, cuid: 'u1', erasedTimestamp: Date.now() })
    await removeFiles(t.store, storage, { now: Date.now(), orgId })
    assert.deepEqual(await readdir(join(t.dataDir, 'exports')), [])
    assert.deepEqual(await exportsOf(orgId), [])
  })

  test('while an export lies in a bucket that the settings do not name no erasure is acknowledged, for a day', async () => {
    const t = await setUp()
    const { orgId } = t.organization
    const bucket = 'old at https://s3.example.com/'
    const store = async () => {
      const fileName = await t.store.write('beginExport', { orgId, extension: 'csv', bucket })
      await t.store.write('finishExport', { orgId, fileName })
    }
    const erase = async (userId: string) =>
      (await t.post(t.credentials, '/v1.0/user/deleteUserData', { userId })).statusCode
    await store()
    const warnings = await warnOfOtherBuckets(t.store, t.storage)
    assert.match(warnings.join(), /^exports are in the bucket old at https:\/\/s3\.example\.com\/, which/)
    assert.deepEqual([await erase('u1'), await erase('u1')], [503, 503])
    // nor does the time when it expires make this server forget it
    await removeFiles(t.store, t.storage, { now: Date.now() + 3_700_000 })
    assert.equal((await exportsOf(orgId)).length, 1)
    const removed: unknown[] = []
    const remove = async (...what: unknown[]) => void removed.push(what)
    await removeFiles(t.store, { ...t.storage, bucket, remove }, { now: Date.now() })
    assert.equal(removed.length, 1)
    assert.equal(await erase('u1'), 200)

    await store()
    assert.equal(await erase('u2'), 503)
    await removeFiles(t.store, t.storage, { now: Date.now() + 86_460_000 })
    assert.equal(await erase('u2'), 200)
    assert.deepEqual(await warnOfOtherBuckets(t.store, t.storage), [])
  })

  test('a bucket of a service that speaks S3 keeps the files, and hands them out by its own addresses', async () => {
    const directory = await makeFolder()
    const s3 = new S3rver({ port: 0, silent: true, directory, configureBuckets: [{ name: 'exports', configs: [] }] })
    const { port } = await s3.run()
    const env = {
      EXPORT_STORAGE: 's3',
      S3_BUCKET: 'exports',
      S3_ENDPOINT: `http://127.0.0.1:${port}`,
      S3_ACCESS_KEY_ID: 'S3RVER',
      S3_SECRET_ACCESS_KEY: 'S3RVER',
    }
    try {
      const t = await setUp({ count: 30, env })
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
