import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { rowText } from '../vip-users/row.ts'
import { type ExportFormat, FORMATS } from './formats.ts'

const facts = {
  conversation_id: 't_1',
  user_name: 'Aiko "Lucky" Tanaka',
  first_name: 'Aiko',
  last_name: null,
  cuid: 'player,4711',
  profile_pic: 'https://pictures.example.com/7.png',
  birthday: '--02-29',
  last_purchase_timestamp: 1_780_059_600_000,
  last_user_message_timestamp: 1_780_146_000_000,
  last_app_open_timestamp: null,
}
const lineOf = (format: ExportFormat, more: Partial<typeof facts> = {}) =>
  FORMATS[format].line({ row: rowText({ ...facts, ...more }), rank: 3, negatedLtvMicros: '-1234500000' })

const cellsOf = (line: string): string[] => parse(line)[0] ?? []

test('CSV has the fields of the list in its order, quoted where it must be, and nothing for null', () => {
  assert.equal(
    FORMATS.csv.head + lineOf('csv'),
    'conversationId,userName,firstName,lastName,cuid,profilePic,birthday,lastPurchaseTimestamp,lastUserMessageTimestamp,lastAppOpenTimestamp\r\n' +
      't_1,"Aiko ""Lucky"" Tanaka",Aiko,,"player,4711",https://pictures.example.com/7.png,--02-29,1780059600000,1780146000000,\r\n',
  )
})

test('Excel gets a byte order mark, ISO times, the rank, the LTV and until when a person may be written to', () => {
  assert(FORMATS.excel.head.startsWith('\ufeffconversationId,'))
  assert(FORMATS.excel.head.endsWith(',rank,ltv,messagingWindowClosesAt\r\n'))
  assert.equal(
    lineOf('excel'),
    't_1,"Aiko ""Lucky"" Tanaka",Aiko,,"player,4711",https://pictures.example.com/7.png,--02-29,' +
      '2026-05-29T13:00:00.000Z,2026-05-30T13:00:00.000Z,,3,1234.50,2026-05-31T13:00:00.000Z\r\n',
  )
  const never = { last_user_message_timestamp: null } as unknown as Partial<typeof facts>
  assert(lineOf('excel', never).endsWith(',,3,1234.50,\r\n'))
})

test('NDJSON has the rows as they are', () => {
  assert.equal(lineOf('ndjson', { user_name: '=1+1' }), `${rowText({ ...facts, user_name: '=1+1' })}\n`)
})

test('text that a spreadsheet would run is defused, whatever it holds besides', () => {
  for (const start of ['=', '+', '-', '@', '\t', '\r']) {
    const name = `${start}HYPERLINK("https://evil.example.com","x")`
    assert.equal(cellsOf(lineOf('csv', { user_name: name }))[1], `'${name}`)
  }
})

test('any text comes out of the file as it went in, formulas aside', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string(), (user_name, cuid) => {
      const cells = cellsOf(lineOf('csv', { user_name, cuid }))
      const defused = (text: string) => (/^[=+\-@\t\r]/.test(text) ? `'${text}` : text)
      assert.deepEqual([cells[1], cells[4]], [defused(user_name), defused(cuid)])
      assert.equal(cells.length, 10)
    }),
  )
})
