import type { ASTNode } from '@marcbachmann/cel-js'
import { ask, type Evaluate, type Expression, Failure, type Scope, type ValueType } from './condition-value.ts'
import { habitOf } from './explain-syntax.ts'
import type { PropertyValue } from './vip-rule.ts'

/** Above it V8's search is no longer linear: in 4,096 equal letters 250 characters take 7 µs, 300 take 600. */
const MAX_SOUGHT_CHARACTERS = 250

/** No number needs more; reading thousands of digits would cost more than the whole condition. */
const MAX_NUMBER_CHARACTERS = 64

const MAX_INTEGER = 2 ** 63

const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/
const INTEGER = /^[+-]?\d+$/
const SURROGATE_PAIR = /[\ud800-\udbff][\udc00-\udfff]/

const TEXT_TESTS = new Map<string, (text: string, sought: string) => boolean>([
  ['contains', (text, sought) => text.includes(sought)],
  ['startsWith', (text, sought) => text.startsWith(sought)],
  ['endsWith', (text, sought) => text.endsWith(sought)],
])

interface Conversion {
  type: ValueType
  /** `null`: the value cannot be converted */
  convert: (value: PropertyValue) => PropertyValue | null
}

const CONVERSIONS = new Map<string, Conversion>([
  ['double', { type: 'number', convert: (value) => toNumber(value, DECIMAL) }],
  ['int', { type: 'number', convert: toInteger }],
  ['string', { type: 'string', convert: String }],
])

/**
 * `size(text)`, `double(x)`, `int(x)`, `string(x)` and `has(properties.x)`. `days` and `hours` belong to the time
 * terms; every other function is refused.
 */
export function compileCall(scope: Scope, node: ASTNode & { op: 'call' }): Expression {
  const [name, args] = node.args
  const [argument, ...more] = args
  if (argument && more.length === 0) {
    if (name === 'has') return compileHas(scope, node, argument)
    if (name === 'size') return compileSize(scope, node, argument)
    const conversion = CONVERSIONS.get(name)
    if (conversion) return compileConversion(scope, node, name, conversion, argument)
  }
  return refuseFunction(scope, node, name, args.length)
}

/** `text.size()`, `text.contains(text)`, `text.startsWith(text)`, `text.endsWith(text)`; every other method is refused. */
export function compileMethodCall(scope: Scope, node: ASTNode & { op: 'rcall' }): Expression {
  const [name, receiver, args] = node.args
  const [argument, ...more] = args
  if (name === 'size' && !argument) return compileSize(scope, node, receiver)
  const test = TEXT_TESTS.get(name)
  if (!test || !argument || more.length > 0) return refuseFunction(scope, node, name, args.length)

  const text = ask(scope, scope.compile(receiver), 'string')
  const soughtExpression = scope.compile(argument)
  const sought = ask(scope, soughtExpression, 'string')
  const tooLong = new Failure(
    `${name}() looks for at most ${MAX_SOUGHT_CHARACTERS} characters`,
    soughtExpression.property,
  )
  if (argument.op === 'value' && String(argument.args).length > MAX_SOUGHT_CHARACTERS) {
    scope.refuse(argument, tooLong.sentence)
  }
  const evaluate: Evaluate = (facts, properties, now) => {
    const t = text(facts, properties, now)
    if (t instanceof Failure) return t
    const s = sought(facts, properties, now)
    if (s instanceof Failure) return s
    // `ask` leaves texts and failures
    return (s as string).length > MAX_SOUGHT_CHARACTERS ? tooLong : test(t as string, s as string)
  }
  return { node, type: 'boolean', evaluate, property: null }
}

function refuseFunction(scope: Scope, node: ASTNode, name: string, argumentCount: number): never {
  const known = name === 'has' || name === 'size' || CONVERSIONS.has(name) || TEXT_TESTS.has(name)
  if (known)
    return scope.refuse(
      node,
      `${name}() is used here in a way, or with ${argumentCount} arguments, that it does not have`,
    )
  const habit = habitOf(name)
  if (habit !== undefined) return scope.refuse(node, habit)
  if (name === 'days' || name === 'hours') return scope.refuse(node, `${name}() stands only after a comparison of now`)
  return scope.refuse(
    node,
    `The function ${name}() is not allowed; these are: size, contains, startsWith, endsWith, double, int, string, has`,
  )
}

function compileHas(scope: Scope, node: ASTNode, argument: ASTNode): Expression {
  const owner = argument.op === '.' ? argument.args[0] : null
  if (argument.op !== '.' || owner?.op !== 'id' || owner.args !== 'properties') {
    return scope.refuse(argument, 'has() is asked as has(properties.name), or "any name" in properties')
  }
  const key = scope.useProperty(argument.args[1])
  return { node, type: 'boolean', evaluate: (_facts, properties) => properties.has(key), property: null }
}

function compileSize(scope: Scope, node: ASTNode, operand: ASTNode): Expression {
  const text = ask(scope, scope.compile(operand), 'string')
  const evaluate: Evaluate = (facts, properties, now) => {
    const value = text(facts, properties, now)
    // `ask` leaves texts and failures
    return value instanceof Failure ? value : countCharacters(value as string)
  }
  return { node, type: 'number', evaluate, property: null }
}

/** Code points, as CEL counts. Most texts have no pairs, which a search tells at once: 4,096 characters 0.03 µs, else 9. */
function countCharacters(text: string): number {
  let count = text.length
  if (!SURROGATE_PAIR.test(text)) return count
  for (let i = 1; i < text.length; i++) {
    const isLow = (text.charCodeAt(i) & 0xfc00) === 0xdc00
    if (isLow && (text.charCodeAt(i - 1) & 0xfc00) === 0xd800) count--
  }
  return count
}

function compileConversion(
  scope: Scope,
  node: ASTNode,
  name: string,
  conversion: Conversion,
  operand: ASTNode,
): Expression {
  const { type, convert } = conversion
  const { evaluate: source, property, type: sourceType } = scope.compile(operand)
  if (type === 'number' && sourceType === 'boolean') scope.refuse(operand, `${name}() takes a number or a text`)
  const what = property === null ? 'this value' : `the property ${JSON.stringify(property)}`
  const notConvertible = new Failure(`${name}() finds no number in ${what}`, property)
  const evaluate: Evaluate = (facts, properties, now) => {
    const value = source(facts, properties, now)
    return value instanceof Failure ? value : (convert(value) ?? notConvertible)
  }
  return { node, type, evaluate, property }
}

function toNumber(value: PropertyValue, pattern: RegExp): number | null {
  if (typeof value === 'number') return value
  if (typeof value === 'boolean' || value.length > MAX_NUMBER_CHARACTERS || !pattern.test(value)) return null
  const number = Number(value)
  return Number.isFinite(number) ? number : null
}

/** Cut towards zero, within 64 bits, as CEL's `int` does; the result is a double as all numbers are. */
function toInteger(value: PropertyValue): number | null {
  const number = toNumber(value, INTEGER)
  return number !== null && Math.abs(number) < MAX_INTEGER ? Math.trunc(number) : null
}
