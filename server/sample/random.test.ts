import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRandom, type Random } from './random.ts'

const DRAWS = 100_000

function moments(draw: (random: Random) => number): { mean: number; variance: number } {
  const random = createRandom(7)
  const drawn = Array.from({ length: DRAWS }, () => draw(random))
  const mean = drawn.reduce((sum, value) => sum + value, 0) / DRAWS
  return { mean, variance: drawn.reduce((sum, value) => sum + (value - mean) ** 2, 0) / DRAWS }
}

test('a seed stands for one stream of bits, everywhere', () => {
  const random = createRandom(42)
  assert.deepEqual(
    [random.bits(), random.bits(), random.bits(), random.bits()],
    [2180834394, 1350328659, 1924803457, 2864904299],
  )
  assert.notEqual(createRandom(42).bits(), createRandom(43).bits())
})

const distributions: [name: string, draw: (random: Random) => number, mean: number, variance: number][] = [
  ['uniform', (random) => random.uniform(), 1 / 2, 1 / 12],
  ['integer', (random) => random.integer(6), 2.5, 35 / 12],
  ['normal', (random) => random.normal(3, 2), 3, 4],
  ['lognormal', (random) => random.lognormal(1, 0.5), Math.exp(1.125), Math.expm1(0.25) * Math.exp(2.25)],
  ['exponential', (random) => random.exponential(0.5), 2, 4],
  ['gamma with a shape above 1', (random) => random.gamma(2.5, 4), 0.625, 0.15625],
  ['gamma with a shape below 1', (random) => random.gamma(0.243, 4.414), 0.243 / 4.414, 0.243 / 4.414 ** 2],
  ['beta', (random) => random.beta(0.793, 2.426), 0.2463, 0.044],
]
for (const [name, draw, mean, variance] of distributions) {
  test(`the draws of the ${name} distribution have its mean and variance`, () => {
    const seen = moments(draw)
    assert.ok(
      Math.abs(seen.mean - mean) < 0.015 * Math.max(mean, Math.sqrt(variance)),
      `mean ${seen.mean}, not ${mean}`,
    )
    assert.ok(Math.abs(seen.variance - variance) < 0.05 * variance, `variance ${seen.variance}, not ${variance}`)
  })
}

test('an integer draw reaches each value, and stays below its bound', () => {
  const random = createRandom(1)
  const seen = new Set(Array.from({ length: 1_000 }, () => random.integer(5)))
  assert.deepEqual([...seen].sort(), [0, 1, 2, 3, 4])
})

test('a draw of digits does not begin with 0', () => {
  const random = createRandom(1)
  for (let count = 0; count < 1_000; count++) assert.match(random.digits(3), /^[1-9][0-9]{2}$/)
})

test('a rate of 0 never comes, and nothing can be picked from nothing', () => {
  assert.equal(createRandom(1).exponential(0), Number.POSITIVE_INFINITY)
  assert.throws(() => createRandom(1).pick([]), RangeError)
})
