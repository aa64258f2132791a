import assert from 'node:assert/strict'
import { test } from 'node:test'
import type pg from 'pg'
import { onStore } from '../../../test/stores.ts'
import { openListPool, openWritePool } from './connection.ts'

onStore('PostgreSQL', (get) => {
  const url = () => get().env.DATABASE_URL ?? ''

  /** A plan holds what such a function gave when it was made. */
  const FUNCTION = `create function pg_temp.planned_with() returns text immutable language plpgsql
    as 'begin return current_setting(''test.planned''); end'`
  const planFor = (client: pg.PoolClient, value: string) => client.query(`set test.planned = '${value}'`)

  const pools = {
    lists: () => openListPool(url()),
    writes: () => openWritePool(url()).pool,
  }
  for (const [name, open] of Object.entries(pools)) {
    test(`a plan of the pool for ${name} is kept for a second, whatever it is asked with`, async (t) => {
      const clock = t.mock.method(performance, 'now', () => 0)
      const pool = open()
      const client = await pool.connect()
      try {
        await client.query(FUNCTION)
        const plannedWith = async (asked: number) => {
          const text = 'select pg_temp.planned_with() as value where $1::int > 0'
          const { rows } = await client.query(name === 'lists' ? { name, text, values: [asked] } : text, [asked])
          return rows[0].value
        }
        await planFor(client, 'first')
        assert.equal(await plannedWith(1), 'first')
        await planFor(client, 'second')
        clock.mock.mockImplementation(() => 1_000)
        assert.equal(await plannedWith(2), 'first')
        clock.mock.mockImplementation(() => 1_001)
        assert.equal(await plannedWith(3), 'second')
      } finally {
        client.release()
        await pool.end()
      }
    })
  }
})
