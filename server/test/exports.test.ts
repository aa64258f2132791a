import assert from 'node:assert/strict'
import fs, { mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { removeFiles } from '../src/exports/remove-files.ts'
import { createLog } from '../src/http/request-log.ts'
import { exportsOn } from './exports.ts'
import { makeOrganization } from './organization.ts'
import type { Credentials } from './signed.ts'
import { eachStore } from './stores.ts'

const COUNT = 1_500

eachStore((get) => {
  const { setUp, exportsOf } = exportsOn(get)

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
    const t = await setUp({ count: COUNT })
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

  test('a row that is longer than what is written at once is whole, and so are those around it', async () => {
    const t = await setUp({ count: 3 })
    const long = '😀'.repeat(40_000)
    const { orgId } = t.organization
    await get().execute(`update vip_users set row = replace(row, 'User 1"', '${long}"') where org_id = ${orgId}`)
    const { body } = await t.app.inject((await t.exported('&format=ndjson')).path)
    assert.deepEqual(
      body
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).userName),
      ['User 2', long, 'User 0'],
    )
  })

  test('filters are those of the list, and the rank is that in the whole list', async () => {
    const t = await setUp({ count: 20 })
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
    const t = await setUp({ count: 1 })
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

  test('HEAD is answered as GET is, and makes no file', async () => {
    const t = await setUp({ count: 3 })
    const { workspaceId } = t.organization
    const head = (query: string) => t.get(t.credentials, `/vip-users/export?${query}`, {}, 'HEAD')
    const answer = await head(t.query)
    assert.deepEqual([answer.statusCode, answer.body], [200, ''])
    assert.deepEqual(await readdir(join(t.dataDir, 'exports')).catch(() => []), [])
    assert.deepEqual(await exportsOf(t.organization.orgId), [])
    assert.deepEqual(
      await Promise.all(
        [
          `${t.query}&limit=5`,
          `workspaceId=none&mediumId=${t.mediumId}`,
          `workspaceId=${workspaceId}&mediumId=none`,
        ].map(async (query) => (await head(query)).statusCode),
      ),
      [422, 404, 400],
    )
    assert.equal((await t.app.inject({ method: 'HEAD', url: `/vip-users/export?${t.query}` })).statusCode, 403)
    const got = await t.get(t.credentials, `/vip-users/export?${t.query}`)
    const ownOfEach = { 'content-length': '', 'x-request-id': '', date: '' }
    assert.deepEqual({ ...answer.headers, ...ownOfEach }, { ...got.headers, ...ownOfEach })
    // what the answer to a GET would be is not known
    assert.equal(answer.headers['content-length'], undefined)
  })

  test('parts of a file can be fetched, and its headers alone', async () => {
    const t = await setUp({ count: 50 })
    const { path } = await t.exported()
    const whole = (await t.app.inject(path)).body
    const part = await t.app.inject({ url: path, headers: { range: 'bytes=10-19' } })
    assert.deepEqual([part.statusCode, part.body], [206, whole.slice(10, 20)])
    assert.equal(part.headers['content-range'], `bytes 10-19/${Buffer.byteLength(whole)}`)
    const past = await t.app.inject({ url: path, headers: { range: 'bytes=999999-' } })
    assert.deepEqual(
      [past.statusCode, past.json(), past.headers['content-range']],
      [416, { message: 'The range is not in the file' }, `bytes */${Buffer.byteLength(whole)}`],
    )
    const changed = await t.app.inject({ url: path, headers: { 'if-match': '"another"' } })
    assert.equal(changed.statusCode, 412)
    assert.match(changed.json().message, /If-Match/)
    const head = await t.app.inject({ method: 'HEAD', url: path })
    assert.deepEqual([head.statusCode, head.body], [200, ''])
    assert.equal(head.headers['content-length'], String(Buffer.byteLength(whole)))
  })

  test('an address that expired or that we did not make is 403, one of a deleted file 404', async () => {
    const t = await setUp()
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
      path.replace(/expires=/, 'expires=0'),
      path.replace(/expires=\d+/, 'expires=%ff'),
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

  test('a file that cannot be read is a message without anything of the file, and one error in the log', async (t) => {
    const lines: string[] = []
    const log = createLog('info', { write: (line) => void lines.push(line) })
    const s = await setUp({ log })
    const fetchWhen = async (spoil: (path: string) => void, isOpening: boolean) => {
      const { path: address } = await s.exported()
      const path = join(s.dataDir, 'exports', new URL(address, 'http://x').pathname.split('/').at(-1) ?? '')
      const { createReadStream } = fs
      const opening = t.mock.method(fs, 'createReadStream', (...[of, options]: Parameters<typeof createReadStream>) => {
        spoil(path)
        return createReadStream(of, options)
      })
      if (!isOpening) spoil(path)
      lines.length = 0
      const { statusCode, headers, body } = await s.app.inject(address)
      opening.mock.restore()
      rmSync(path, { force: true, recursive: true })
      for (const name of ['etag', 'last-modified', 'accept-ranges', 'content-disposition']) {
        assert.equal(headers[name], undefined, name)
      }
      assert.equal(headers['content-type'], 'application/json; charset=utf-8')
      const logged = lines.map((line) => JSON.parse(line)).map(({ level, status }) => [level, status])
      return [statusCode, JSON.parse(body).message, ...logged]
    }
    const toLoop = (path: string) => {
      rmSync(path)
      symlinkSync(path, path)
    }
    const toFolder = (path: string) => {
      rmSync(path)
      mkdirSync(path)
    }
    const broken = [500, 'Internal error', ['error', 500]]
    assert.deepEqual(await fetchWhen(toLoop, false), broken)
    assert.deepEqual(await fetchWhen(toFolder, false), broken)
    assert.deepEqual(await fetchWhen(toLoop, true), broken)
    // as an erasure does it
    assert.deepEqual(await fetchWhen(rmSync, true), [404, 'The file is deleted', ['info', 404]])
  })

  test('a list that moves meanwhile is exported as it was at one moment', async () => {
    const t = await setUp({ count: 3_000 })
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
})
