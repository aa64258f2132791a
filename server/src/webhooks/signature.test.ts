import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { isSigned } from './signature.ts'

const body = Buffer.from('{"object":"page"}')
const by = (secret: string) => `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`

test('a body is signed by any of the app secrets, and by nobody else', () => {
  assert(isSigned(body, by('one'), ['one']))
  assert(isSigned(body, by('two'), ['one', 'two']))
  assert(!isSigned(body, by('three'), ['one', 'two']))
  assert(!isSigned(Buffer.from('{"object":"pagE"}'), by('one'), ['one']))
  const upper = by('one').toUpperCase().replace('SHA256', 'sha256')
  for (const odd of [undefined, null, '', 'sha256=', by('one').slice(7), `${by('one')}0`, upper, [by('one')]]) {
    assert(!isSigned(body, odd, ['one']), String(odd))
  }
})
