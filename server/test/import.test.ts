import assert from 'node:assert/strict'
import { mkdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { dynamo, dynamoPrints } from './cli.ts'
import { makeOrganization } from './organization.ts'
import { eachStore } from './stores.ts'

eachStore((get) => {
  async function readUsers(orgId: number) {
    return await get()
      .store.db.selectFrom('users as u')
      .leftJoin('properties as p', (join) =>
        join.onRef('p.org_id', '=', 'u.org_id').onRef('p.user_key', '=', 'u.user_key'),
      )
      .select(['u.cuid', 'u.first_name', 'u.birthday', 'p.key', 'p.value'])
      .where('u.org_id', '=', orgId)
      .orderBy('u.cuid')
      .orderBy('p.key')
      .execute()
  }

  test('of two rows with one purchaseId the first of the file counts, whoever its user is', async () => {
    const { env, store } = get()
    const { orgId, organizationId } = await makeOrganization(store)
    const file = join(env.DYNAMO_DATA_DIR ?? '', 'twice.csv')
    const rows = Array.from({ length: 400 }, (_, index) => {
      const pair = index >> 1
      return `${index % 2 === 0 ? 'first' : 'second'}-${(pair * 7) % 40},1,2026-05-01T10:00:00Z,id-${pair}`
    })
    await writeFile(file, `cuid,revenue,timestamp,purchaseId\n${rows.join('\n')}\n`)
    const { stdout } = await dynamo(env, ['import', 'purchases', '--organization', organizationId, '--json', file])
    assert.deepEqual(JSON.parse(stdout), { read: 400, imported: 200, unchanged: 0, rejected: 200 })
    const users = await store.db.selectFrom('users as u').select('u.cuid').where('u.org_id', '=', orgId).execute()
    assert.deepEqual(
      users.map(({ cuid }) => cuid).sort(),
      Array.from({ length: 40 }, (_, number) => `first-${number}`).sort(),
    )
  })

  test('an import takes the good rows, keeps the bad ones in a file, and that file can be imported when mended', async () => {
    const { env, store } = get()
    const { orgId, organizationId } = await makeOrganization(store)
    const file = join(env.DYNAMO_DATA_DIR ?? '', 'purchases.csv')
    const rows = [
      'u1,1.10,2026-05-01T10:00:00Z,p1',
      'u1,1.10,2026-05-01T10:00:00Z,p2',
      'u1,free,2026-05-01,p3',
      'u1,1,1700000000,p4',
      ',1,2026-05-01,p5',
      'u2,1,,p6',
      'u2,2,2026-05-01,p1',
      'u2,1',
      'u2,-0.50,1777629600000,p7',
      'u2,0.1,2999-01-01,p8',
    ]
    await writeFile(file, `cuid,revenue,timestamp,purchaseId\n${rows.join('\n')}\n`)
    const first = await dynamo(env, ['import', 'purchases', '--organization', organizationId, file])
    assert.equal(first.code, 1)
    assert.equal(first.stdout, 'read 10, imported 3, unchanged 0, rejected 7\n')
    const told = first.stderr.split('\n').filter((line) => line.startsWith('line '))
    assert.deepEqual(told.sort(), [
      'line 11: timestamp is too far in the future',
      'line 4: revenue must be an amount such as 49.99',
      'line 5: timestamp looks like seconds; use epoch milliseconds or ISO-8601 such as 2026-05-30T13:00:00Z',
      'line 6: cuid is required',
      'line 7: timestamp is required',
      'line 8: purchaseId was used before with another user or revenue',
      'line 9: the row has 2 cells, the first line has 4',
    ])
    const rejected = await readFile(`${file}.rejected`, 'utf8')
    assert.match(rejected, /^cuid,revenue,timestamp,purchaseId,#reason\n/)
    assert.match(rejected, /\nu1,free,2026-05-01,p3,line 4: revenue must be an amount such as 49.99\n/)

    const again = await dynamo(env, ['import', 'purchases', '--organization', organizationId, '--json', file])
    assert.deepEqual(JSON.parse(again.stdout), { read: 10, imported: 0, unchanged: 3, rejected: 7 })
    const mended = rejected.replace('free', '2.30').split('\n').slice(0, 2).join('\n')
    await writeFile(`${file}.rejected`, mended)
    const last = await dynamoPrints(env, ['import', 'purchases', '--organization', organizationId, `${file}.rejected`])
    assert.equal(last, 'read 1, imported 1, unchanged 0, rejected 0')
    const sums = await store.db
      .selectFrom('users as u')
      .select(['u.cuid', 'u.purchases_micros'])
      .where('u.org_id', '=', orgId)
      .orderBy('u.cuid')
      .execute()
    assert.deepEqual(
      sums.map((user) => [user.cuid, Number(user.purchases_micros)]),
      [
        ['u1', 4_500_000],
        ['u2', -500_000],
      ],
    )
  })

  test("a users file keeps its cells' types, says nothing where it is empty, and never beats newer facts", async () => {
    const { env, store } = get()
    const { orgId, organizationId } = await makeOrganization(store)
    const file = join(env.DYNAMO_DATA_DIR ?? '', 'users.csv')
    const import_ = (...options: string[]) =>
      dynamo(env, ['import', 'users', '--organization', organizationId, file, ...options])
    await writeFile(file, 'cuid,firstName,birthday,level,code,active\n007,42,30 February,7,007,true\n')
    await utimes(file, new Date('2026-05-01'), new Date('2026-05-01'))
    const first = await import_()
    assert.equal(first.stdout, 'read 1, imported 1, unchanged 0, rejected 0\n')
    assert.match(first.stderr, /^No date and so kept as a property, shown to nobody: 1 birthday$/m)
    const properties = (await readUsers(orgId)).map(({ key, value }) => [key, value])
    assert.deepEqual(properties, [
      ['active', 'true'],
      ['birthday', '"30 February"'],
      ['code', '"007"'],
      ['firstName', '"42"'],
      ['level', '7'],
    ])
    assert.equal((await readUsers(orgId))[0]?.birthday, null)

    await writeFile(file, 'cuid,level,code\n007,8,\n')
    assert.equal((await import_('--as-of', '2026-04-01')).stdout, 'read 1, imported 0, unchanged 1, rejected 0\n')
    assert.equal((await import_()).stdout, 'read 1, imported 1, unchanged 0, rejected 0\n')
    const after = Object.fromEntries((await readUsers(orgId)).map(({ key, value }) => [key, value]))
    assert.deepEqual([after.level, after.code], ['8', '"007"'])
  })

  test('NDJSON keeps its types, and a user who would have too many properties is rejected alone', async () => {
    const { env, store } = get()
    const { orgId, organizationId } = await makeOrganization(store)
    const many = Object.fromEntries(Array.from({ length: 501 }, (_, index) => [`p${index}`, index]))
    const lines = [
      '{"cuid":"a","level":"7","active":true,"score":1.5,"gone":null}',
      JSON.stringify({ cuid: 'b', ...many }),
      '{"cuid":"c","nested":{"x":1}}',
      '{"cuid":"d","level":1',
      '{"cuid":5}',
    ]
    const done = await dynamo(
      env,
      ['import', 'users', '--organization', organizationId, '-', '--json'],
      lines.join('\n'),
    )
    assert.deepEqual(JSON.parse(done.stdout), { read: 5, imported: 1, unchanged: 0, rejected: 4 })
    assert.match(done.stderr, /line 2: the row is refused: A user has at most 500 properties/)
    assert.match(done.stderr, /line 4: the row is no JSON/)
    assert.match(done.stderr, /line 5: cuid must be a string/)
    assert.deepEqual(
      (await readUsers(orgId)).map(({ key, value }) => [key, value]),
      [
        ['active', 'true'],
        ['level', '"7"'],
        ['score', '1.5'],
      ],
    )
  })

  test('each rejected line of NDJSON tells its line and reason, is rejected for the same again, and is imported when mended', async () => {
    const { env, store } = get()
    const { orgId, organizationId } = await makeOrganization(store)
    const file = join(env.DYNAMO_DATA_DIR ?? '', 'broken.ndjson')
    const import_ = (name: string) => dynamo(env, ['import', 'users', '--organization', organizationId, '--json', name])
    const rejected = async (name: string) => (await readFile(`${name}.rejected`, 'utf8')).trimEnd().split('\n')
    const broken = Array.from({ length: 25 }, (_, n) => `{"cuid":"broken-${n}","say":"\\"hi\\""`)
    const others = ['["list"]', 'text', '{}', '{"cuid":"no UTF-8 \xFF"}', 'no UTF-8 \xFF', '{"cuid":"","n":1.0}']
    await writeFile(file, `\n${[...broken, ...others].join('\n')}\n{"cuid":"good"}\n`, 'latin1')

    assert.deepEqual(JSON.parse((await import_(file)).stdout), { read: 32, imported: 1, unchanged: 0, rejected: 31 })
    const first = await rejected(file)
    const reasons = first.map((line) => JSON.parse(line)['#reason'])
    assert.deepEqual(reasons, [
      ...broken.map((_, n) => `line ${n + 2}: the row is no JSON`),
      'line 27: the row is no JSON object',
      'line 28: the row is no JSON',
      'line 29: cuid is required',
      'line 30: cuid is not UTF-8',
      'line 31: the row is no JSON',
      'line 32: cuid is required',
    ])
    assert.equal(first.at(-1), '{"cuid":"","n":1.0,"#reason":"line 32: cuid is required"}')

    const again = await import_(`${file}.rejected`)
    assert.deepEqual(JSON.parse(again.stdout), { read: 31, imported: 0, unchanged: 0, rejected: 31 })
    const second = await rejected(`${file}.rejected`)
    const withoutLine = (lines: string[]) => lines.map((line) => line.replace(/line \d+: /, ''))
    assert.deepEqual(withoutLine(second), withoutLine(first))

    const mended = first.map((line, n) => {
      if (n === 0) return '{"cuid":"in-place"}'
      const { '#source': source, ...rest } = JSON.parse(line)
      return source?.startsWith('{"cuid":"b') ? JSON.stringify({ ...rest, '#source': `${source}}` }) : line
    })
    await writeFile(`${file}.rejected`, mended.join('\n'))
    const last = await import_(`${file}.rejected`)
    assert.deepEqual(JSON.parse(last.stdout), { read: 31, imported: 25, unchanged: 0, rejected: 6 })
    const users = new Map((await readUsers(orgId)).map(({ cuid, value }) => [cuid, value]))
    assert.deepEqual([users.size, users.get('in-place'), users.get('broken-24')], [26, null, '"\\"hi\\""'])
  })

  test('an NDJSON row with a property key that is none is rejected, and the rows beside it are taken', async () => {
    const { env, store } = get()
    const { orgId, organizationId } = await makeOrganization(store)
    const keys = ['', 'a\u0000b', 'k'.repeat(256), 'k'.repeat(255)]
    const rows = keys.map((key, index) => JSON.stringify({ cuid: `u${index}`, [key]: 1 }))
    const file = join(env.DYNAMO_DATA_DIR ?? '', 'keys.ndjson')
    await writeFile(file, `${rows.join('\n')}\n`)
    const { stdout, stderr } = await dynamo(env, ['import', 'users', '--organization', organizationId, file])
    assert.equal(stdout, 'read 4, imported 1, unchanged 0, rejected 3\n')
    assert.match(stderr, /is no property key: 1 to 255 bytes/)
    assert.deepEqual(
      (await readUsers(orgId)).map((row) => row.cuid),
      ['u3'],
    )
  })

  test('an import that cannot keep its rejected rows ends with a sentence', async () => {
    const { env, store } = get()
    const { organizationId } = await makeOrganization(store)
    const file = join(env.DYNAMO_DATA_DIR ?? '', 'nowhere.csv')
    await mkdir(`${file}.rejected`)
    await writeFile(file, 'cuid,revenue,timestamp,purchaseId\nu1,free,2026-05-01,p1\n')
    const { code, stderr } = await dynamo(env, ['import', 'purchases', '--organization', organizationId, file])
    assert.equal(code, 1)
    assert.match(stderr, /^The rejected rows cannot be kept in [^\n]+\n$/m)
    assert.doesNotMatch(stderr, /\n {4}at /)
  })

  test('a conversations file names its channel, and nothing is written where a column is missing or unknown', async () => {
    const { env, store } = get()
    const { organizationId, channels } = await makeOrganization(store)
    const import_ = (text: string) =>
      dynamo(env, ['import', 'conversations', '--organization', organizationId, '-'], text)
    const good = `conversationId,mediumId,platformUserId,userName\nc1,${channels[0]?.mediumId},1,Ann\nc2,FB_PAGE_0,2,Bob\n`
    const done = await import_(good)
    assert.equal(done.stdout, 'read 2, imported 1, unchanged 0, rejected 1\n')
    assert.match(done.stderr, /line 3: mediumId is no channel of the organization/)
    const missing = await import_('conversationId,userName\nc3,Cid\n')
    assert.deepEqual([missing.code, missing.stdout], [1, ''])
    assert.match(missing.stderr, /^The columns mediumId, platformUserId are missing; [^\n]+\n$/)
    const unknown = await import_('mediumId,platformUserId,nickname\nx,1,y\n')
    assert.match(unknown.stderr, /^The column nickname is not known; [^\n]+\n$/)
  })
})
