import type { ASTNode } from '@marcbachmann/cel-js'
import {
  ask,
  choose,
  type Evaluate,
  type Expression,
  Failure,
  type Scope,
  typeName,
  typeNameOf,
  wrongType,
} from './condition-value.ts'
import { isTimeFact } from './time-term.ts'

type Binary = ASTNode & { args: [ASTNode, ASTNode] }

const ARITHMETIC = {
  '+': (left: number, right: number) => left + right,
  '-': (left: number, right: number) => left - right,
  '*': (left: number, right: number) => left * right,
  '/': (left: number, right: number) => left / right,
  '%': (left: number, right: number) => left % right,
}

type Comparable = number | string | boolean

/** Texts are in the order of their UTF-16 units, as in the CEL library; false comes before true. */
const ORDER = {
  '<': (left: Comparable, right: Comparable) => left < right,
  '<=': (left: Comparable, right: Comparable) => left <= right,
  '>': (left: Comparable, right: Comparable) => left > right,
  '>=': (left: Comparable, right: Comparable) => left >= right,
}

/** Numbers only: joined texts could be made to grow at every user. Doubles as IEEE 754 has them, so 1 / 0 is infinite. */
export function compileArithmetic(scope: Scope, node: Binary & { op: keyof typeof ARITHMETIC }): Expression {
  const left = ask(scope, scope.compile(node.args[0]), 'number')
  const right = ask(scope, scope.compile(node.args[1]), 'number')
  const calculate = ARITHMETIC[node.op]
  const evaluate: Evaluate = (facts, properties, now) => {
    const l = left(facts, properties, now)
    if (l instanceof Failure) return l
    const r = right(facts, properties, now)
    // `ask` leaves numbers and failures
    return r instanceof Failure ? r : calculate(l as number, r as number)
  }
  return { node, type: 'number', evaluate, property: null }
}

export function compileOrder(scope: Scope, node: Binary & { op: keyof typeof ORDER }): Expression {
  const left = scope.compile(node.args[0])
  const right = scope.compile(node.args[1])
  const type = left.type ?? right.type
  const leftEvaluate = type ? ask(scope, left, type) : left.evaluate
  const rightEvaluate = type ? ask(scope, right, type) : right.evaluate
  const test = ORDER[node.op]
  const evaluate: Evaluate = (facts, properties, now) => {
    const l = leftEvaluate(facts, properties, now)
    if (l instanceof Failure) return l
    const r = rightEvaluate(facts, properties, now)
    if (r instanceof Failure) return r
    return typeof l === typeof r ? test(l, r) : wrongType(right.property, r, typeNameOf(l))
  }
  return { node, type: 'boolean', evaluate, property: null }
}

/** Values of different types are unequal, as in CEL; where that is certain beforehand the condition is refused. */
export function compileEquality(scope: Scope, node: Binary & { op: '==' | '!=' }): Expression {
  const isEqual = node.op === '=='
  const timeFact = factBesideNull(node)
  if (timeFact) {
    scope.useFact(timeFact)
    return { node, type: 'boolean', evaluate: (facts) => (facts[timeFact] === null) === isEqual, property: null }
  }
  const left = scope.compile(node.args[0])
  const right = scope.compile(node.args[1])
  refuseUnequalTypes(scope, left, right)
  const evaluate: Evaluate = (facts, properties, now) => {
    const l = left.evaluate(facts, properties, now)
    if (l instanceof Failure) return l
    const r = right.evaluate(facts, properties, now)
    return r instanceof Failure ? r : (l === r) === isEqual
  }
  return { node, type: 'boolean', evaluate, property: null }
}

function factBesideNull(node: Binary) {
  const [left, right] = node.args
  const fact = left.op === 'value' && left.args === null ? right : left
  const other = fact === left ? right : left
  if (other.op !== 'value' || other.args !== null) return null
  return fact.op === 'id' && isTimeFact(fact.args) ? fact.args : null
}

function refuseUnequalTypes(scope: Scope, left: Expression, right: Expression): void {
  if (left.type === null || right.type === null || left.type === right.type) return
  scope.refuse(right.node, `${capital(typeName(left.type))} never equals ${typeName(right.type)}`)
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** `"x" in properties`, or a value in a list written out. */
export function compileMembership(scope: Scope, node: Binary & { op: 'in' }): Expression {
  const [needle, list] = node.args
  if (list.op === 'id' && list.args === 'properties') {
    if (needle.op !== 'value' || typeof needle.args !== 'string') {
      scope.refuse(needle, 'Before in properties stands a property key as a text, written out')
    }
    const key = scope.useProperty(needle.args)
    return { node, type: 'boolean', evaluate: (_facts, properties) => properties.has(key), property: null }
  }
  if (list.op !== 'list')
    scope.refuse(list, 'After in stands properties or a list written out, such as ["gold", "silver"]')
  const value = scope.compile(needle)
  const elements = list.args.map((element) => scope.compile(element))
  for (const element of elements) refuseUnequalTypes(scope, value, element)
  const evaluate = list.args.every((element) => element.op === 'value') ? inLiterals : inElements
  return { node, type: 'boolean', evaluate: evaluate(value, elements), property: null }
}

function inLiterals(value: Expression, elements: Expression[]): Evaluate {
  const noProperties = new Map<string, never>()
  const noFacts = { ltv: 0, purchases: 0, lastPurchaseTimestamp: null, lastAppOpenTimestamp: null }
  const literals = new Set(elements.map((element) => element.evaluate(noFacts, noProperties, 0)))
  return (facts, properties, now) => {
    const v = value.evaluate(facts, properties, now)
    return v instanceof Failure ? v : literals.has(v)
  }
}

/** A list with an element that fails is no list, even where another element would do. */
function inElements(value: Expression, elements: Expression[]): Evaluate {
  return (facts, properties, now) => {
    const v = value.evaluate(facts, properties, now)
    if (v instanceof Failure) return v
    let found = false
    for (const element of elements) {
      const e = element.evaluate(facts, properties, now)
      if (e instanceof Failure) return e
      found ||= e === v
    }
    return found
  }
}

/** A side that decides does so whatever the other is, also when that one fails and stands first (CEL, "Logical operators"). */
export function compileLogic(scope: Scope, node: Binary & { op: '&&' | '||' }): Expression {
  const left = ask(scope, scope.compile(node.args[0]), 'boolean')
  const right = ask(scope, scope.compile(node.args[1]), 'boolean')
  const decisive = node.op === '||'
  const evaluate: Evaluate = (facts, properties, now) => {
    const l = left(facts, properties, now)
    if (l === decisive) return decisive
    const r = right(facts, properties, now)
    return r !== decisive && l instanceof Failure ? l : r
  }
  return { node, type: 'boolean', evaluate, property: null }
}

export function compileUnary(scope: Scope, node: ASTNode & { op: '!_' | '-_' }): Expression {
  const type = node.op === '!_' ? 'boolean' : 'number'
  const operand = ask(scope, scope.compile(node.args), type)
  const evaluate: Evaluate = (facts, properties, now) => {
    const value = operand(facts, properties, now)
    if (value instanceof Failure) return value
    return typeof value === 'number' ? -value : !value
  }
  return { node, type, evaluate, property: null }
}

export function compileChoice(scope: Scope, node: ASTNode & { op: '?:' }): Expression {
  const test = ask(scope, scope.compile(node.args[0]), 'boolean')
  const yes = scope.compile(node.args[1])
  const no = scope.compile(node.args[2])
  if (yes.type !== null && no.type !== null && yes.type !== no.type) {
    scope.refuse(
      no.node,
      `Both sides of the colon have one type: this is ${typeName(no.type)}, not ${typeName(yes.type)}`,
    )
  }
  return {
    node,
    type: yes.type === no.type ? yes.type : null,
    evaluate: choose(test, yes.evaluate, no.evaluate),
    property: yes.property ?? no.property,
    choice: { test, yes, no },
  }
}
