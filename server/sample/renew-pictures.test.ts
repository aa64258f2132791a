import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSecrets } from '../src/secrets.ts'
import { verifyStore } from '../src/vip-users/verify.ts'
import { eachStore } from '../test/stores.ts'
import { loadSample } from './load-sample.ts'
import { renewPictures } from './renew-pictures.ts'

eachStore((get) => {
  test('the pictures of a sample that was loaded under another address lead to where the server is now', async () => {
    const { store } = get()
    const asOf = Temporal.PlainDate.from('2026-05-30')
    const { orgId } = await loadSample(store, createSecrets(Buffer.alloc(32, 7)), {
      ...{ asOf, publicUrl: 'http://127.0.0.1:4000', customers: 600 },
    })
    const pictures = async () => {
      const rows = await store.db
        .selectFrom('conversations as c')
        .innerJoin('vip_users as v', (join) =>
          join.onRef('v.org_id', '=', 'c.org_id').onRef('v.conversation_id', '=', 'c.conversation_id'),
        )
        .select(['c.profile_pic', 'v.row'])
        .where('c.org_id', '=', orgId)
        .execute()
      for (const { profile_pic: picture, row } of rows) assert.equal(JSON.parse(row).profilePic, picture)
      return new Set(rows.map((row) => row.profile_pic?.replace(/\d+\.svg$/, '')))
    }
    assert.deepEqual([...(await pictures())], ['http://127.0.0.1:4000/sample/pictures/'])
    const { signal } = new AbortController()
    const renew = () => renewPictures(store, { orgId, publicUrl: 'https://vip.example.com/dynamo', signal })
    assert.ok((await renew()) >= 600)
    assert.deepEqual([...(await pictures())], ['https://vip.example.com/dynamo/sample/pictures/'])
    assert.equal(await renew(), 0)
    assert.deepEqual(await verifyStore(store, { orgId }), [])
  })
})
