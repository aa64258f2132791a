import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { sql } from 'kysely'
import { eachStore } from '../../test/stores.ts'
import { rowsTable } from './rows.ts'

const ODD_TEXTS = [
  '',
  ' ',
  'NULL',
  'null',
  '"',
  '\\',
  '\\"',
  '{}',
  '{a,b}',
  'a,b',
  "'",
  '\n\t\r',
  '\u2028',
  'é 美咲 😀',
  '$1',
]
const BOUNDS = [0n, -1n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)]

eachStore((get) => {
  async function through(rows: { n: number; text: string | null; amount: bigint | null }[]) {
    const { db } = get().store
    const table = rowsTable(db, 'k', { n: 'bigint', text: 'text', amount: 'bigint' }, rows)
    const found = await sql<{ n: number; text: string | null; amount: string | null }>`
      select k.n, k.text, cast(k.amount as text) as amount from ${table} order by k.n`.execute(db)
    return found.rows.map((row) => ({ ...row, amount: row.amount === null ? null : BigInt(row.amount) }))
  }

  test('rows come through a statement as they are, whatever their text and however large their integers', async () => {
    const texts = ODD_TEXTS.map((text, n) => ({ n, text, amount: BOUNDS[n % BOUNDS.length] ?? null }))
    const rows = [...texts, { n: texts.length, text: null, amount: null }]
    assert.deepEqual(await through(rows), rows)
    assert.deepEqual(await through([]), [])
    const text = fc.string({ unit: 'grapheme' }).filter((value) => value.isWellFormed() && !value.includes('\0'))
    await fc.assert(
      fc.asyncProperty(fc.array(text, { maxLength: 20 }), async (values) => {
        const made = values.map((value, n) => ({ n, text: value, amount: BigInt(n) }))
        assert.deepEqual(await through(made), made)
      }),
      { numRuns: 50 },
    )
  })
})
