import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isTruthy } from './property-truth.ts'

const FALSY = ['', 'false', 'f', 'no', 'n', 'off', 'none', 'null', 'undefined', '0', '0.0']

test('a flag reported as one of the eleven falsy texts marks nobody, whatever its case and outer spaces', () => {
  for (const text of FALSY) {
    for (const variant of [text, text.toUpperCase(), ` ${text}`, `${text}\t\n`, `\u00a0${text}\u00a0`]) {
      assert.equal(isTruthy(variant), false, JSON.stringify(variant))
    }
  }
})

test('any other text marks its user as VIP', () => {
  for (const text of ['true', 't', 'yes', 'y', 'on', '1', '00', '0.00', '-0', 'gold', 'no way', 'n o', 'NaN', 'ｎｏ']) {
    assert.equal(isTruthy(text), true, JSON.stringify(text))
  }
})

test('a number other than 0 and true mark their user as VIP; 0, false and nothing do not', () => {
  for (const value of [1, -1, 0.001, Number.MIN_VALUE, Infinity, true])
    assert.equal(isTruthy(value), true, String(value))
  for (const value of [0, -0, Number.NaN, false, undefined]) assert.equal(isTruthy(value), false, String(value))
})
