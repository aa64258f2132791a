import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { sql } from 'kysely'
import { onStore } from '../../test/stores.ts'
import { openWritePool } from './postgres/connection.ts'
import { openConnection } from './sqlite/connection.ts'
import { together } from './together.ts'
import type { Tx } from './write.ts'

test('on SQLite one that fails is the last that runs: what came after it would be part of the next write', async () => {
  const { db, database } = openConnection(':memory:')
  const tx: Tx = { db, now: 0, rangeRows: 1, erasureKey: new Uint8Array(), isAgain: false }
  database.exec('create table t (n integer)')
  const insert = (n: number) => () => sql`insert into t values (${n})`.execute(db)
  await assert.rejects(
    together(tx, insert(1), () => sql`select missing`.execute(db), insert(2)),
    /no such column/,
  )
  const [, { rows }] = await together(tx, insert(3), () => sql`select n from t`.execute(db))
  assert.deepEqual(rows, [{ n: 1 }, { n: 3 }])
  await db.destroy()
})

onStore('PostgreSQL', (get) => {
  /** A pool for writes whose connections tell what they were asked. */
  function openTelling() {
    const writing = openWritePool(get().env.DATABASE_URL ?? '')
    const asked: string[] = []
    writing.pool.on('connect', (client) => {
      assert.ok(client.pipeline, 'the driver keeps nothing back')
      const query = client.query.bind(client) as (...given: unknown[]) => unknown
      client.query = ((...given: unknown[]) => {
        asked.push(String(given[0]))
        return query(...given)
      }) as typeof client.query
    })
    const transact = <T>(statements: (tx: Tx) => Promise<T>) =>
      writing.transact((db) => statements({ db, now: 0, rangeRows: 1, erasureKey: new Uint8Array(), isAgain: false }))
    return { asked, transact, [Symbol.asyncDispose]: () => writing.pool.end() }
  }

  test('statements that need no answer of each other are sent at once, in their order, before the first is answered', async () => {
    await using opened = openTelling()
    await opened.transact(async (tx) => {
      const answers = together(
        tx,
        () => sql<{ n: number }>`select 1 as n, pg_sleep(0.2)`.execute(tx.db),
        () => sql<{ n: number }>`select 2 as n`.execute(tx.db),
        () => sql<{ n: number }>`select 3 as n`.execute(tx.db),
      )
      await nextTurn()
      assert.deepEqual(opened.asked, ['begin', 'select 1 as n, pg_sleep(0.2)', 'select 2 as n', 'select 3 as n'])
      assert.deepEqual(
        (await answers).map(({ rows }) => rows[0]?.n),
        [1, 2, 3],
      )
    })
    assert.equal(opened.asked.at(-1), 'commit')
  })

  test('where one fails its own error is thrown, after all have ended, and nothing of them is left', async () => {
    await using opened = openTelling()
    await opened.transact((tx) => sql`create table together_test (n bigint)`.execute(tx.db))
    const insert = (tx: Tx, n: number) => sql`insert into together_test values (${n})`.execute(tx.db)
    const write = opened.transact((tx) =>
      together(
        tx,
        async () => {
          await insert(tx, 1)
          await insert(tx, 2)
        },
        async () => {
          await insert(tx, 3)
          await sql`select 1 / 0`.execute(tx.db)
        },
        () => insert(tx, 4),
        async () => {
          await insert(tx, 5)
          await insert(tx, 6)
        },
      ),
    )
    await assert.rejects(write, { message: 'division by zero' })
    assert.equal(opened.asked.at(-1), 'rollback')
    const { rows } = await opened.transact((tx) => sql`select n from together_test`.execute(tx.db))
    assert.deepEqual(rows, [])
    await opened.transact((tx) => sql`drop table together_test`.execute(tx.db))
  })

  test('a write that goes on after a failure of its own is not taken for done', async () => {
    await using opened = openTelling()
    const write = opened.transact((tx) => sql`select 1 / 0`.execute(tx.db).catch(() => 'done'))
    await assert.rejects(write, /went on after one of its statements had failed/)
    assert.deepEqual(await opened.transact(async () => 'done'), 'done')
  })
})
