import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Environment } from '@marcbachmann/cel-js'
import fc from 'fast-check'
import { compileVipIndicator, type PropertyValue, VipIndicatorError } from './vip-indicator.ts'

/** The library's own evaluator, told what the contract adds to CEL: `%` over doubles, lists of mixed types. */
const cel = new Environment({ unlistedVariablesAreDyn: true, homogeneousAggregateLiterals: false })
  .registerVariable('ltv', 'double')
  .registerVariable('purchases', 'double')
  .registerVariable('properties', 'map')
  .registerOperator('double % double', (left: number, right: number) => left % right)

const KEYS = ['a', 'b', 'c', 'constructor'] as const

const value: fc.Arbitrary<PropertyValue> = fc.oneof(
  fc.constantFrom(0, 1, 2, 3.5, -1),
  fc.constantFrom('', 'x', 'xy', '1'),
  fc.boolean(),
)

const literal = value.map((v) => (typeof v === 'number' ? v.toFixed(1) : JSON.stringify(v)))
const key = fc.constantFrom(...KEYS)
const name = fc.oneof(
  key,
  key.map((k) => `properties.${k}`),
  key.map((k) => `properties["${k}"]`),
  fc.constantFrom('ltv', 'purchases'),
)

const { expression } = fc.letrec<{ expression: string }>((tie) => {
  const inner = tie('expression')
  const binary = (...operators: string[]) =>
    fc.tuple(inner, fc.constantFrom(...operators), inner).map(([l, o, r]) => `(${l} ${o} ${r})`)
  return {
    expression: fc.oneof(
      { maxDepth: 4, depthSize: 'large' },
      fc.oneof(literal, name),
      binary('&&', '||'),
      binary('==', '!='),
      binary('<', '<=', '>', '>='),
      binary('-', '*', '/', '%'),
      // two texts are not joined here, though CEL does
      inner.map((operand) => `(ltv + ${operand})`),
      fc.tuple(fc.constantFrom('!', '-'), inner).map(([operator, operand]) => `${operator}(${operand})`),
      fc.tuple(inner, inner, inner).map(([test, yes, no]) => `(${test} ? ${yes} : ${no})`),
      fc.tuple(inner, fc.array(inner, { maxLength: 3 })).map(([needle, list]) => `(${needle} in [${list.join(', ')}])`),
      fc
        .tuple(inner, fc.constantFrom('contains', 'startsWith', 'endsWith'), inner)
        .map(([text, method, sought]) => `${text}.${method}(${sought})`),
      key.map((k) => `has(properties.${k})`),
      key.map((k) => `("${k}" in properties)`),
    ),
  }
})

const users = fc.array(fc.dictionary(key, value, { noNullPrototype: false }), { minLength: 1, maxLength: 4 })

test('a condition that is accepted answers as the CEL library does, and fails where it fails', () => {
  let compared = 0
  fc.assert(
    fc.property(expression, users, fc.constantFrom(0, 1, 2, 500), (source, propertiesOfUsers, ltv) => {
      const condition = `(${source})`
      let rule: ReturnType<typeof compileVipIndicator>
      try {
        rule = compileVipIndicator(condition)
      } catch (error) {
        assert.ok(error instanceof VipIndicatorError, String(error))
        return
      }
      for (const reported of propertiesOfUsers) {
        const properties = new Map(Object.entries(reported))
        const facts = { ltv, purchases: 2, lastPurchaseTimestamp: null, lastAppOpenTimestamp: null }
        const verdict = rule.evaluate(facts, properties, 0)
        const ours = verdict.failure === null ? verdict.vip : 'fails'
        assert.equal(ours, reference(condition, ltv, properties), condition)
        compared++
      }
    }),
    { numRuns: 20_000 },
  )
  assert.ok(compared > 2_000, `only ${compared} answers were compared`)
})

function reference(condition: string, ltv: number, properties: Map<string, PropertyValue>): boolean | 'fails' {
  const context = new Map<string, unknown>([...properties, ['ltv', ltv], ['purchases', 2], ['properties', properties]])
  try {
    const answer: unknown = cel.evaluate(condition, context)
    return typeof answer === 'boolean' ? answer : 'fails'
  } catch {
    return 'fails'
  }
}
