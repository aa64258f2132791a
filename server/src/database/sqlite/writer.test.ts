import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Tx } from '../write.ts'
import { createSqliteWriter } from './writer.ts'

const writes = {
  create: ({ db }: Tx) => sql`create table facts (fact text)`.execute(db),
  insert: ({ db }: Tx, fact: string) => sql`insert into facts values (${fact})`.execute(db),
  insertAndFail: async ({ db }: Tx, fact: string) => {
    await sql`insert into facts values (${fact})`.execute(db)
    throw new Error('refused')
  },
  list: async ({ db }: Tx) =>
    (await sql<{ fact: string }>`select substr(fact, 1, 5) as fact from facts`.execute(db)).rows.map((row) => row.fact),
  transaction: async (tx: Tx) => tx,
  /** as if the disk had room for so many pages of 4 KiB: SQLite's own limit holds for one connection */
  limitPages: ({ db }: Tx, pages: number) => sql`pragma max_page_count = ${sql.lit(pages)}`.execute(db),
}

const makeFolder = () => mkdtemp(join(tmpdir(), 'dynamo-test-'))

async function openWriter(t: { after: (end: () => Promise<void>) => void }, inFolder?: string) {
  const folder = inFolder ?? (await makeFolder())
  const writer = createSqliteWriter(join(folder, 'store.sqlite'), writes, {
    rangeRows: 1000,
    erasureKey: new Uint8Array(),
  })
  t.after(async () => {
    await writer.close()
    await rm(folder, { recursive: true })
  })
  await writer.write('create', null)
  return (name: keyof typeof writes, args: unknown = null) => writer.write(name, args)
}

test('of writes that are committed together one that fails spoils no other', async (t) => {
  const write = await openWriter(t)
  const [first, failed, last] = await Promise.allSettled([
    write('insert', 'first'),
    write('insertAndFail', 'lost'),
    write('insert', 'last'),
  ])
  assert.deepEqual([first?.status, failed?.status, last?.status], ['fulfilled', 'rejected', 'fulfilled'])
  assert.deepEqual(await write('list'), ['first', 'last'])
})

test('what came while another process was writing is committed together once it has ended', async (t) => {
  const folder = await makeFolder()
  const write = await openWriter(t, folder)
  using other = new DatabaseSync(join(folder, 'store.sqlite'))
  other.exec('begin immediate')
  const transactions = Promise.all([write('transaction'), write('transaction'), write('transaction')])
  // for longer than a group is collected
  await pause(50)
  other.exec('rollback')
  const [first, second, third] = await transactions
  assert(first !== undefined && first === second && second === third)
})

test('a full store answers 507 to all that were to be committed together, and goes on when there is room', async (t) => {
  const write = await openWriter(t)
  await write('insert', 'first')
  await write('limitPages', 6)
  const large = 'x'.repeat(100_000)
  const full = { statusCode: 507, message: 'The store is full' }
  const outcomes = [write('insert', 'small'), write('insert', `large${large}`)]
  await Promise.all(outcomes.map((outcome) => assert.rejects(outcome, full)))
  assert.deepEqual(await write('list'), ['first'])
  // what needs no further page still goes
  await write('insert', 'small')
  await assert.rejects(write('insert', `large${large}`), full)
  await write('limitPages', 1_000)
  await write('insert', `large${large}`)
  assert.deepEqual(await write('list'), ['first', 'small', 'large'])
})
