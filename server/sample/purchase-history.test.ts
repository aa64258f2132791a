import assert from 'node:assert/strict'
import { test } from 'node:test'
import { acquisitionDay, BG_NBD, DAYS, makePurchaseHistory } from './purchase-history.ts'
import { createRandom } from './random.ts'

const CUSTOMERS = 25_000
const random = createRandom(11)
const customers = Array.from({ length: CUSTOMERS }, (_, index) => {
  const acquired = acquisitionDay(index, CUSTOMERS)
  const { purchases } = makePurchaseHistory(random, acquired)
  // Acquired within the day: on average half of it is left.
  return { repeats: purchases.length - 1, weeks: (DAYS - acquired - 0.5) / 7, purchases, acquired }
})

function averageOf(value: (customer: (typeof customers)[number]) => number): number {
  return customers.reduce((sum, customer) => sum + value(customer), 0) / CUSTOMERS
}

/** Gauss's hypergeometric series. */
function hypergeometric(a: number, b: number, c: number, z: number): number {
  let term = 1
  let sum = 1
  for (let n = 0; n < 5_000; n++) {
    term *= ((a + n) * (b + n) * z) / ((c + n) * (n + 1))
    sum += term
  }
  return sum
}

test('sample customers make as many repeat purchases as BG/NBD expects of the CDNOW cohort', () => {
  const { r, alpha, a, b } = BG_NBD
  // Fader, Hardie and Lee 2005, equation 9: E(X(t) | r, α, a, b).
  const expected = averageOf(({ weeks: t }) => {
    const decay = (alpha / (alpha + t)) ** r * hypergeometric(r, b, a + b - 1, t / (alpha + t))
    return ((a + b - 1) / (a - 1)) * (1 - decay)
  })
  const seen = averageOf(({ repeats }) => repeats)
  assert.ok(Math.abs(seen - expected) < 0.04 * expected, `${seen} repeat purchases, not ${expected}`)
})

test('as many sample customers never buy again as BG/NBD expects', () => {
  const { r, alpha } = BG_NBD
  const expected = averageOf(({ weeks }) => (alpha / (alpha + weeks)) ** r)
  const seen = averageOf(({ repeats }) => (repeats === 0 ? 1 : 0))
  assert.ok(Math.abs(seen - expected) < 0.01, `${seen} without a repeat purchase, not ${expected}`)
})

test('a sample customer first buys on the day of acquisition, and nothing after the last day', () => {
  for (const { purchases, acquired } of customers) {
    assert.equal(purchases[0]?.day, acquired)
    assert.ok(purchases.every(({ day }) => day >= acquired && day < DAYS))
  }
})

test('sample customers arrive from the first day to the last, however many they are', () => {
  assert.equal(acquisitionDay(0, CUSTOMERS), 0)
  for (const count of [1, 2, 727, 728, 729, CUSTOMERS]) assert.equal(acquisitionDay(count - 1, count), DAYS - 1)
})

test('a sample purchase costs a price that ends in 99 cents', () => {
  for (const { purchases } of customers) {
    for (const { cents } of purchases) assert.ok(cents % 100 === 99 && cents <= 99_999, `${cents} cents`)
  }
})
