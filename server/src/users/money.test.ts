import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatMicros, MAX_LTV_MICROS, MAX_REVENUE_MICROS, microsToJson, microsToNumber, parseMicros } from './money.ts'

const AMOUNTS: [number | string, bigint][] = [
  [0, 0n],
  [-0, 0n],
  [49.99, 49_990_000n],
  [-3.5, -3_500_000n],
  [0.1 + 0.2, 300_000n],
  [1e-7, 0n],
  [5e-7, 0n],
  [5.1e-7, 1n],
  [1.5e-6, 2n],
  [2.5e-6, 2n],
  [9e-8, 0n],
  [5e-324, 0n],
  [-1e-7, 0n],
  [1e3, 1_000_000_000n],
  [1e21, 10n ** 27n],
  [1.5e21, 15n * 10n ** 26n],
  [-1.25e22, -125n * 10n ** 26n],
  [Number.MAX_VALUE, 17976931348623157n * 10n ** 298n],
  ['49.99', 49_990_000n],
  ['-0', 0n],
  ['-0.00', 0n],
  ['007.50', 7_500_000n],
  ['0.0000005', 0n],
  ['0.00000050000001', 1n],
  ['0.0000015', 2n],
  ['0.0000025', 2n],
  ['-0.0000015', -2n],
  ['-0.0000025', -2n],
  ['0.9999994999999', 999_999n],
  ['0.9999995', 1_000_000n],
  ['9007199254740993.000001', 9_007_199_254_740_993_000_001n],
  [`${'9'.repeat(40)}`, BigInt('9'.repeat(40)) * 1_000_000n],
]

for (const [value, micros] of AMOUNTS) {
  const shown = Object.is(value, -0) ? '-0' : JSON.stringify(value)
  test(`an amount of ${shown} is ${micros} millionths`, () => {
    assert.equal(parseMicros(value), micros)
  })
}

const NO_AMOUNTS = [NaN, Infinity, -Infinity, '', ' ', '1e3', '1e-7', '+5', ' 5', '5 ', '5\n', '.5', '5.', '-', '--5']
const NO_AMOUNT_TEXTS = ['1,000.00', '1_000', '0x10', 'NaN', 'Infinity', '1.2.3', '٣', '5€', '9'.repeat(41)]

for (const value of [...NO_AMOUNTS, ...NO_AMOUNT_TEXTS]) {
  test(`${typeof value} ${JSON.stringify(String(value))} is no amount of money`, () => {
    assert.equal(parseMicros(value), null)
  })
}

const FORMATTED: [bigint, string][] = [
  [0n, '0.00'],
  [1n, '0.000001'],
  [-1n, '-0.000001'],
  [10_000n, '0.01'],
  [-3_500_000n, '-3.50'],
  [1_234_500n, '1.2345'],
  [100_000_000_000n, '100000.00'],
  [MAX_REVENUE_MICROS, '1000000000.00'],
  [-MAX_LTV_MICROS, '-9000000000000.00'],
]

for (const [micros, text] of FORMATTED) {
  test(`${micros} millionths are written as ${text}`, () => {
    assert.equal(formatMicros(micros), text)
  })
}

test('the largest lifetime value fits into the 64 bits of the store', () => {
  assert.ok(MAX_LTV_MICROS + MAX_REVENUE_MICROS < 2n ** 63n)
})

test('a million purchases of 0.10 are 100000.00', () => {
  let sum = 0n
  for (let count = 0; count < 1_000_000; count++) sum += parseMicros(0.1) ?? 0n
  assert.equal(formatMicros(sum), '100000.00')
})

/** Half to even in integers: twice the rest against the divisor. */
function divideHalfEven(dividend: bigint, divisor: bigint): bigint {
  const size = dividend < 0n ? -dividend : dividend
  const quotient = size / divisor
  const twice = (size % divisor) * 2n
  const rounded = twice > divisor || (twice === divisor && quotient % 2n === 1n) ? quotient + 1n : quotient
  return dividend < 0n ? -rounded : rounded
}

const decimal = fc.record({
  digits: fc.oneof(fc.bigInt(0n, 10n ** 20n), fc.nat(30).map(BigInt)),
  places: fc.integer({ min: 0, max: 18 }),
  negative: fc.boolean(),
})

test('an amount in a string is rounded half to even at six decimals, whatever its length', () => {
  fc.assert(
    fc.property(decimal, ({ digits, places, negative }) => {
      const padded = String(digits).padStart(places + 1, '0')
      const point = padded.length - places
      const text = `${negative ? '-' : ''}${padded.slice(0, point)}${places > 0 ? `.${padded.slice(point)}` : ''}`
      const exact = (negative ? -digits : digits) * 1_000_000n
      assert.equal(parseMicros(text), divideHalfEven(exact, 10n ** BigInt(places)))
    }),
    { numRuns: 1000 },
  )
})

test('a number is worth what its shortest text says', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 }), (value) => {
      const [mantissa = '', exponent = '0'] = String(value).split('e')
      const [whole = '', fraction = ''] = mantissa.split('.')
      const shift = 6 - fraction.length + Number(exponent)
      const digits = BigInt(whole + fraction)
      const micros = shift >= 0 ? digits * 10n ** BigInt(shift) : divideHalfEven(digits, 10n ** BigInt(-shift))
      assert.equal(parseMicros(value), micros)
    }),
    { numRuns: 1000 },
  )
})

test('an amount that was written is read as the same amount', () => {
  fc.assert(
    fc.property(fc.bigInt(-MAX_LTV_MICROS, MAX_LTV_MICROS), (micros) => {
      assert.equal(parseMicros(formatMicros(micros)), micros)
    }),
  )
})

test('an amount as a double is the nearest one, also past 2^53 millionths', () => {
  assert.equal(microsToNumber(49_990_000n), 49.99)
  assert.equal(microsToNumber(-1n), -0.000001)
  fc.assert(
    fc.property(fc.bigInt(-MAX_LTV_MICROS, MAX_LTV_MICROS), (micros) => {
      assert.equal(microsToNumber(micros), Number(formatMicros(micros)))
    }),
  )
})

test('an amount below a billion units survives the way through a double', () => {
  fc.assert(
    fc.property(fc.bigInt(1n - MAX_REVENUE_MICROS, MAX_REVENUE_MICROS - 1n), (micros) => {
      assert.equal(parseMicros(microsToNumber(micros)), micros)
    }),
  )
})

test('an amount as JSON is exact, and as short as it can be', () => {
  const texts = { '0': '0', '1': '0.000001', '-1': '-0.000001', '100000000000': '100000', '-3500000': '-3.5' }
  for (const [micros, text] of Object.entries(texts)) assert.equal(microsToJson(micros), text)
  fc.assert(
    fc.property(fc.bigInt(-MAX_LTV_MICROS, MAX_LTV_MICROS), (micros) => {
      const text = microsToJson(String(micros))
      assert.equal(parseMicros(text), micros)
      assert.equal(JSON.parse(text), microsToNumber(micros))
      assert.doesNotMatch(text, /\.\d*0$/)
    }),
  )
})
