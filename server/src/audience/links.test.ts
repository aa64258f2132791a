import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dynamo, dynamoPrints } from '../../test/cli.ts'
import { reporting } from '../../test/reporting.ts'
import { eachStore } from '../../test/stores.ts'

eachStore((get) => {
  async function customer() {
    const t = await reporting(get())
    async function send(path: string, body: object | string): Promise<{ status: number; json: unknown }> {
      const answer = await t.post(t.credentials, `/v1.0/user/${path}`, body)
      return { status: answer.statusCode, json: answer.json() }
    }
    return { ...t, send }
  }

  test('a conversion answers the known user, and counts once', async () => {
    const t = await customer()
    await t.link('link-ann', 'ann')
    assert.deepEqual(await t.send('markConversion', { d10xLinkId: 'link-ann' }), {
      status: 200,
      json: { userId: 'ann' },
    })
    const first = await t.linkRow('link-ann')
    assert.notEqual(first?.converted_timestamp, null)
    await t.send('markConversion', { d10xLinkId: 'link-ann', identifyUserWithD10xUserId: true })
    assert.deepEqual(await t.linkRow('link-ann'), first)
    assert.deepEqual(await t.verify(), [])
  })

  test('a conversion of somebody unknown answers null, and identifies them under an id of ours only when asked', async () => {
    const t = await customer()
    await t.converse('dora', null)
    await t.link('link-dora', 'dora')
    const plain = { d10xLinkId: 'link-dora' }
    assert.deepEqual((await t.send('markConversion', plain)).json, { userId: null })
    const asked = await t.send('markConversion', { ...plain, identifyUserWithD10xUserId: true })
    const { userId } = asked.json as { userId: string }
    assert.match(userId, /^d10x_[0-9a-f]{24}$/)
    assert.deepEqual((await t.send('markConversion', plain)).json, { userId })

    await t.take('purchase', { userId, revenue: 5 })
    assert.deepEqual(await t.listed(), [userId])
    // whenever it is dated, what the customer says wins
    await t.take('identify', { d10xLinkId: 'link-dora', userId: 'dora', timestamp: '1960-01-01' })
    await t.take('purchase', { userId: 'dora', revenue: 1 })
    assert.deepEqual(await t.listed(), ['dora'])
    assert.deepEqual((await t.send('markConversion', plain)).json, { userId: 'dora' })
    assert.deepEqual(await t.verify(), [])
  })

  test('a link for a user without a conversation knows the user', async () => {
    const t = await customer()
    const made = await t.send('links', { userId: 'new one' })
    const { d10xLinkId } = made.json as { d10xLinkId: string }
    assert.match(d10xLinkId, /^[0-9a-f]{24}$/)
    assert.deepEqual((await t.send('markConversion', { d10xLinkId })).json, { userId: 'new one' })
    await t.take('identify', { d10xLinkId, userId: 'another' })
    const own = { d10xLinkId, identifyUserWithD10xUserId: true }
    assert.deepEqual((await t.send('markConversion', own)).json, { userId: 'another' })
    assert.deepEqual(await t.verify(), [])
  })

  test("a link that is not there, or another organization's, is unknown", async () => {
    const [t, other] = [await customer(), await customer()]
    const { d10xLinkId } = (await other.send('links', { userId: 'u' })).json as { d10xLinkId: string }
    const unknown = { message: 'Unknown D10x link id', details: [{ index: 0, d10xLinkId }] }
    assert.deepEqual(await t.send('markConversion', { d10xLinkId }), { status: 404, json: unknown })
    for (const body of [{}, { d10xLinkId: 5 }, { d10xLinkId, more: 1 }, { batch: [{ d10xLinkId }] }, []]) {
      assert.equal((await t.send('markConversion', body)).status, 422, JSON.stringify(body))
    }
    for (const identifyUserWithD10xUserId of ['true', 1]) {
      assert.equal((await t.send('markConversion', { d10xLinkId, identifyUserWithD10xUserId })).status, 422)
    }
    for (const body of [{}, { userId: '' }, { userId: 'a'.repeat(256) }, { userId: 'a', batch: [] }]) {
      assert.equal((await t.send('links', body)).status, 422, JSON.stringify(body))
    }
  })

  test('of conversions at once one counts and all answer the same user', async () => {
    const t = await customer()
    await t.converse('dora', null)
    await t.link('link-dora', 'dora')
    const another = await get().openAnother()
    const conversion = { orgId: t.orgId, linkId: 'link-dora', identifyUserWithD10xUserId: true }
    const stores = [get().store, another, get().store, another]
    const answers = await Promise.all(stores.map((store) => store.write('markConversion', conversion)))
    assert.equal(new Set(answers).size, 1)
    assert.deepEqual(await t.verify(), [])
  })

  test('identified users come page by page, each once, and nobody without a conversation', async () => {
    const t = await customer()
    await t.converse('ann again', 'ann')
    await t.take('activity', { userId: 'nobody' })
    async function page(query: string) {
      const answer = await t.get(t.credentials, `/v1.0/user/identified${query}`)
      return { status: answer.statusCode, ...(answer.json() as { users: string[]; next: string | null }) }
    }
    assert.deepEqual(await page(''), { status: 200, users: ['ann', 'ben', 'cleo'], next: null })
    const first = await page('?limit=2')
    assert.deepEqual(first.users, ['ann', 'ben'])
    assert.deepEqual(await page(`?limit=2&next=${first.next}`), { status: 200, users: ['cleo'], next: null })
    assert.equal((await page('?limit=3')).next, null)
    assert.equal((await page('?limit=1000000')).status, 200)
    for (const query of ['?limit=0', '?next=', '?next=1', '?next=YWZ0ZXIgLTE', '?offset=1']) {
      assert.equal((await page(query)).status, 422, query)
    }
  })

  test("a user's properties are read back as they were sent, in the order of their keys", async () => {
    const t = await customer()
    const userId = 'a/b %2F?é'
    const properties = [
      { key: 'plan', value: 'pro' },
      { key: 'Level', value: 7.5 },
      { key: 'churned', value: false },
      { key: 'gone', value: 1 },
      { key: 'joined', value: '2023-05-12T14:30:00+05:30' },
    ]
    await t.take('properties', { userId, properties })
    await t.take('properties', { userId, properties: [{ key: 'gone' }] })
    const of = async (id: string) => {
      const answer = await t.get(t.credentials, `/v1.0/user/properties/${encodeURIComponent(id)}`)
      return { status: answer.statusCode, json: answer.json() }
    }
    const kept = [properties[1], properties[2], properties[4], properties[0]]
    assert.deepEqual(await of(userId), { status: 200, json: kept })
    assert.deepEqual(await of('unknown'), { status: 200, json: [] })
    assert.equal((await of('é'.repeat(127))).status, 200)
    assert.equal((await of('é'.repeat(128))).status, 422)
  })

  test('a repeated link or conversion with an Idempotency-Key is answered as the first time, until the user is erased', async () => {
    const t = await customer()
    const key = { 'idempotency-key': 'link for dora' }
    const ask = async () => (await t.post(t.credentials, '/v1.0/user/links', { userId: 'dora' }, key)).json()
    const first = await ask()
    assert.deepEqual(await ask(), first)
    await get().store.write('eraseUser', { orgId: t.orgId, cuid: 'dora', erasedTimestamp: t.clock.ms })
    assert.notDeepEqual(await ask(), first)
    assert.deepEqual(await t.verify(), [])
  })

  test('a key that may only report cannot read, and one that may only read cannot report', async () => {
    const t = await customer()
    const [report, read] = [await t.key(t.orgId, 'report'), await t.key(t.orgId, 'read')]
    assert.equal((await t.get(report, '/v1.0/user/identified')).statusCode, 403)
    assert.equal((await t.get(read, '/v1.0/user/properties/ann')).statusCode, 200)
    assert.equal((await t.post(read, '/v1.0/user/links', { userId: 'u' })).statusCode, 403)
  })

  test('the command line gives links to a conversation, a user, and everybody on a channel', async () => {
    const t = await customer()
    const { env } = get()
    const create = ['link', 'create', '--organization', t.organizationId]
    const link = await dynamoPrints(env, [...create, '--conversation', 'c-ann'])
    assert.equal(await dynamoPrints(env, [...create, '--conversation', 'c-ann']), link)
    assert.deepEqual((await t.send('markConversion', { d10xLinkId: link })).json, { userId: 'ann' })
    const ofUser = JSON.parse(await dynamoPrints(env, [...create, '--user', 'eve', '--json']))
    assert.deepEqual((await t.send('markConversion', ofUser)).json, { userId: 'eve' })

    const all = await dynamoPrints(env, [...create, '--channel', t.channels[0]?.mediumId ?? '', '--all'])
    const [header, ...lines] = all.split('\n')
    assert.equal(header, 'conversationId,d10xLinkId')
    assert.deepEqual(lines.map((line) => line.split(',')[0]).sort(), ['c-ann', 'c-ben', 'c-cleo'])
    assert(lines.includes(`c-ann,${link}`))
    for (const wrong of [
      [],
      ['--user', 'a', '--conversation', 'b'],
      ['--channel', 'c'],
      ['--user', 'a', '--all'],
      ['--channel', 'c', '--all', '--json'],
    ]) {
      assert.equal((await dynamo(env, [...create, ...wrong])).code, 2, wrong.join(' '))
    }
    assert.match((await dynamo(env, [...create, '--conversation', 'c-nobody'])).stderr, /no conversation c-nobody/)
    assert.deepEqual(await t.verify(), [])
  })
})
