import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MALFORMED, MALFORMED_KEY } from './input.ts'
import { parseQuery } from './query.ts'

const CASES: [string, Record<string, unknown>][] = [
  ['', {}],
  ['&&', {}],
  ['a=1', { a: '1' }],
  ['a=1&b=2', { a: '1', b: '2' }],
  ['a', { a: '' }],
  ['a=', { a: '' }],
  ['=1', { '': '1' }],
  ['a=1=2', { a: '1=2' }],
  ['a=1&a=2&a=3', { a: ['1', '2', '3'] }],
  ['a=x+y%20z', { a: 'x y z' }],
  ['a=%2B', { a: '+' }],
  ['a+b=1', { 'a b': '1' }],
  ['a=%00', { a: '\0' }],
  ['a=%C3%A9', { a: 'é' }],
  ['a=\u00c3\u00a9', { a: MALFORMED }],
  ['a=%EF%BB%BFx', { a: '\ufeffx' }],
  ['a=\u00e9', { a: MALFORMED }],
  ['a=%', { a: MALFORMED }],
  ['a=%z', { a: MALFORMED }],
  ['a=%zz', { a: MALFORMED }],
  ['a=%C3', { a: MALFORMED }],
  ['a=%C0%80', { a: MALFORMED }],
  ['a=%ED%A0%80', { a: MALFORMED }],
  ['a=%F5%80%80%80', { a: MALFORMED }],
  ['a=1&a=%zz', { a: ['1', MALFORMED] }],
  ['%zz=1', { [MALFORMED_KEY]: '1' }],
  [
    '__proto__=1&constructor=2',
    Object.fromEntries([
      ['__proto__', '1'],
      ['constructor', '2'],
    ]),
  ],
]

for (const [text, query] of CASES) {
  test(`the query ${JSON.stringify(text)} is decoded strictly`, () => {
    const parsed = parseQuery(text)
    assert.equal(Object.getPrototypeOf(parsed), null)
    assert.deepEqual(Object.entries(parsed), Object.entries(query))
  })
}

test('whatever URLSearchParams writes is read back', () => {
  const texts = fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' })))
  fc.assert(
    fc.property(texts, (pairs) => {
      const parsed = parseQuery(new URLSearchParams(pairs).toString())
      for (const [name, value] of pairs) assert.ok([parsed[name]].flat().includes(value))
    }),
  )
})

test('no text makes the query parser throw', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void parseQuery(text)))
})
