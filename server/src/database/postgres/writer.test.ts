import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { onStore } from '../../../test/stores.ts'
import type { Tx } from '../write.ts'
import { openWritePool } from './connection.ts'
import { createPostgresWriter } from './writer.ts'

/** The server's own words for what a test cannot bring about on a server that others use. */
const raise = (db: Tx['db'], code: string) =>
  sql`do ${sql.lit(`begin raise exception using errcode = '${code}'; end`)}`.execute(db)

onStore('PostgreSQL', (get) => {
  async function openWriter() {
    const writing = openWritePool(get().env.DATABASE_URL ?? '')
    let attempts = 0
    const writes = {
      failTwice: async (tx: Tx, code: string) => (++attempts < 3 ? raise(tx.db, code) : attempts),
      fail: async (tx: Tx, code: string) => {
        attempts += 1
        await raise(tx.db, code)
      },
    }
    const writer = createPostgresWriter(writing, writes, { rangeRows: 1000, erasureKey: new Uint8Array() })
    return { writer, attempts: () => attempts, [Symbol.asyncDispose]: () => writing.pool.end() }
  }

  test('a PostgreSQL without room on its disk is answered 507, and not asked again', async () => {
    await using opened = await openWriter()
    await assert.rejects(opened.writer.write('fail', '53100'), { statusCode: 507, message: 'The store is full' })
    assert.equal(opened.attempts(), 1)
  })

  for (const code of ['40P01', '40001']) {
    test(`a write that PostgreSQL gave up for another (${code}) is done again, and after five times left to the client`, async () => {
      await using again = await openWriter()
      assert.equal(await again.writer.write('failTwice', code), 3)
      await using opened = await openWriter()
      await assert.rejects(opened.writer.write('fail', code), { statusCode: 503, retryAfterSeconds: 1 })
      assert.equal(opened.attempts(), 5)
    })
  }
})
