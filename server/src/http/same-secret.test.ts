import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSameSecret } from './same-secret.ts'

test('a secret text is compared as a whole', () => {
  assert(isSameSecret('verify-me', 'verify-me'))
  for (const odd of ['', 'verify-m', 'verify-me ', 'Verify-me']) assert(!isSameSecret(odd, 'verify-me'))
})
