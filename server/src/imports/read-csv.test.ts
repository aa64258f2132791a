import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { csvLine, readCsv, typedCell } from './read-csv.ts'
import type { Row } from './row.ts'

async function read(text: string): Promise<Row[]> {
  const rows: Row[] = []
  // a byte at a time, so that nothing hangs on where a chunk ends
  const bytes = Readable.from(Array.from(Buffer.from(text), (byte) => Buffer.of(byte)))
  for await (const row of readCsv(bytes, () => undefined)) rows.push(row)
  return rows
}

const plain = (rows: Row[]) => rows.map(({ line, values }) => [line, { ...values }])

test('a CSV file is read with quotes, line breaks in cells, empty lines, and a byte order mark', async () => {
  const rows = await read('\uFEFFa,b\r\n1,"x, ""y"""\r\n\r\n"two\nlines",é\n,\n5" screen,z')
  assert.deepEqual(plain(rows), [
    [2, { a: '1', b: 'x, "y"' }],
    [4, { a: 'two\nlines', b: 'é' }],
    [6, {}],
    [7, { a: '5" screen', b: 'z' }],
  ])
})

test('a CSV row with too few or too many cells is at fault, and the next one is not', async () => {
  const rows = await read('a,b\n1\n1,2,3\n1,2\n')
  assert.deepEqual(
    rows.map((row) => row.fault?.reason),
    ['has 1 cell, the first line has 2', 'has 3 cells, the first line has 2', undefined],
  )
})

test('the reason that a rejected CSV row carries is not read', async () => {
  const [row] = await read('a,#reason\n1,a is wrong\n')
  assert.deepEqual([{ ...row?.values }, row?.source], [{ a: '1' }, ['1']])
})

test('a CSV file without a header, with a column twice or without a name, or with an open quote is refused', async () => {
  await assert.rejects(read(''), /The file is empty/)
  await assert.rejects(read('a,a\n'), /The column a is there twice/)
  await assert.rejects(read('a,,b\n'), /Column 2 has no name/)
  await assert.rejects(read('a,b\r1,2\r'), /ends with LF or CRLF/)
  await assert.rejects(read('pr\uFFFDnom\n'), /no UTF-8/)
  await assert.rejects(read(`${Array.from({ length: 521 }, (_, n) => `c${n}`).join()}\n`), /521 columns: 520 at most/)
  await assert.rejects(
    read('a\n1\n"2\n3\n'),
    /^Error: From line 3 on this is no CSV: a quote is opened and never closed$/,
  )
})

test('a CSV file whose cells no comma separates is refused with what does', async () => {
  await assert.rejects(
    read('cuid;revenue\nu1;1,50\n'),
    /^Error: The cells of the first line are separated by semicolons/,
  )
  await assert.rejects(read('cuid\trevenue\nu1\t1\n'), /separated by tabs: commas are needed$/)
  assert.deepEqual(plain(await read('a;b,c\n1,2\n')), [[2, { 'a;b': '1', c: '2' }]])
})

test('a CSV cell that is a JSON number, true or false has that type, and everything else is text', () => {
  const cells: [string, unknown][] = [
    ['7', 7],
    ['-1.50', -1.5],
    ['1e3', 1000],
    ['0', 0],
    ['true', true],
    ['false', false],
    ['9007199254740991', 9007199254740991],
    ...['007', '+7', '7.', '.7', '1_000', '0x10', 'True', 'null', ' 7', '9007199254740993', '1e999', 'NaN'].map(
      (text): [string, unknown] => [text, text],
    ),
  ]
  for (const [cell, value] of cells) assert.equal(typedCell(cell), value, cell)
})

test('a line of CSV that is written is read as it was', async () => {
  const cells = ['plain', 'with, comma', 'with "quote"', 'with\nbreak', '']
  const [row] = await read(`a,b,c,d,e\n${csvLine(cells)}\n`)
  assert.deepEqual(row?.source, cells)
})
