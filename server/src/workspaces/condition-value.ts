import type { ASTNode } from '@marcbachmann/cel-js'
import type { PropertyValue, UserFacts } from './vip-rule.ts'

export type ValueType = 'number' | 'string' | 'boolean'

/**
 * An expression that has no value for this user. It is a value and not an exception: most users of a million may lack
 * the property, and an exception with its stack costs fifty times the evaluation.
 */
export class Failure {
  readonly sentence: string
  readonly property: string | null

  constructor(sentence: string, property: string | null) {
    this.sentence = sentence
    this.property = property
  }
}

export type Value = PropertyValue | Failure

export type Evaluate = (facts: UserFacts, properties: ReadonlyMap<string, PropertyValue>, nowTimestamp: number) => Value

export interface Expression {
  node: ASTNode
  /** `null`: a property has whatever type was reported, so each user has to be looked at */
  type: ValueType | null
  evaluate: Evaluate
  /** the property that the value comes from, to be named in failures */
  property: string | null
  /** set for `test ? yes : no`, so that a type asked of it is asked of its branches */
  choice?: { test: Evaluate; yes: Expression; no: Expression }
}

/** What the parts of the compiler need of the whole. */
export interface Scope {
  /** Call it once per node: it collects property keys and time terms, and a second call would double at each level. */
  compile(node: ASTNode): Expression
  /** The key is recorded as one that the rule can read, where a property can have it. */
  useProperty(key: string): string
  /** The fact is recorded as one that the rule can read. */
  useFact(name: keyof UserFacts): void
  refuse(node: ASTNode, sentence: string): never
}

const TYPE_NAMES = { number: 'a number', string: 'a text', boolean: 'true or false' } as const

export function typeName(type: ValueType): string {
  return TYPE_NAMES[type]
}

export function typeNameOf(value: PropertyValue): string {
  return typeof value === 'string' ? 'a text' : typeof value === 'number' ? 'a number' : 'true or false'
}

/** @param asked what the value should have been, e.g. `a number` */
export function wrongType(property: string | null, value: PropertyValue, asked: string): Failure {
  const what = property === null ? 'a value' : `the property ${JSON.stringify(property)}`
  return new Failure(`${what} is ${typeNameOf(value)} where ${asked} is asked`, property)
}

/**
 * The expression's value, which is of this type or a `Failure`.
 *
 * @throws VipIndicatorError when it is certain that it has another type
 */
export function ask(scope: Scope, expression: Expression, type: ValueType): Evaluate {
  const { evaluate, property, choice } = expression
  if (expression.type === type) return evaluate
  if (expression.type !== null) {
    scope.refuse(expression.node, `Here ${typeName(type)} is asked, and this is ${typeName(expression.type)}`)
  }
  if (choice) return choose(choice.test, ask(scope, choice.yes, type), ask(scope, choice.no, type))
  const asked = typeName(type)
  return (facts, properties, now) => {
    const value = evaluate(facts, properties, now)
    return value instanceof Failure || typeof value === type ? value : wrongType(property, value, asked)
  }
}

export function choose(test: Evaluate, yes: Evaluate, no: Evaluate): Evaluate {
  return (facts, properties, now) => {
    const answer = test(facts, properties, now)
    if (answer instanceof Failure) return answer
    return answer ? yes(facts, properties, now) : no(facts, properties, now)
  }
}
