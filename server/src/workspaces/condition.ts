import { type ASTNode, Environment, ParseError } from '@marcbachmann/cel-js'
import { isPropertyKey } from '../users/property-key.ts'
import { compileCall, compileMethodCall } from './condition-functions.ts'
import {
  compileArithmetic,
  compileChoice,
  compileEquality,
  compileLogic,
  compileMembership,
  compileOrder,
  compileUnary,
} from './condition-operators.ts'
import { ask, type Evaluate, type Expression, Failure, type Scope } from './condition-value.ts'
import { explainSyntax, type Fault } from './explain-syntax.ts'
import { compileTimeTerm, factNotKnown, isTimeFact, TIME_HINT, type TimeTerm } from './time-term.ts'
import { VipIndicatorError } from './vip-indicator-error.ts'
import type { UserFacts } from './vip-rule.ts'

const MAX_NODES = 200

/** Only its parser is used: what it evaluates itself (regular expressions, macros, growing lists) has no bounds. */
const cel = new Environment({ limits: { maxAstNodes: MAX_NODES } })

export interface Condition {
  /** true, false or a `Failure` */
  evaluate: Evaluate
  propertyKeys: readonly string[]
  factNames: readonly (keyof UserFacts)[]
  timeTerms: readonly TimeTerm[]
}

/**
 * A CEL condition as a function. The fence is the compiler itself: what it does not know by name is refused, so that
 * nothing can come in with a new version of the parser. Values are read from maps by key, never from objects.
 *
 * @throws VipIndicatorError at the first fault
 * @see contract, vip-users, "Who is in the list"; https://github.com/google/cel-spec
 */
export function compileCondition(source: string): Condition {
  const keys = new Set<string>()
  const facts = new Set<keyof UserFacts>()
  const timeTerms: TimeTerm[] = []
  const scope: Scope = {
    compile(node) {
      const term = compileTimeTerm(scope, node)
      if (!term) return compileNode(scope, node)
      timeTerms.push(term)
      return { node, type: 'boolean', evaluate: term.evaluate, property: null }
    },
    useProperty(key) {
      // nobody has another, and PostgreSQL does not even look for one with a NUL
      if (isPropertyKey(key)) keys.add(key)
      return key
    },
    useFact(name) {
      facts.add(name)
    },
    refuse(node, sentence) {
      throw new VipIndicatorError(sentence, source, node.pos)
    },
  }
  const evaluate = ask(scope, scope.compile(parse(source)), 'boolean')
  return { evaluate, propertyKeys: [...keys], factNames: [...facts], timeTerms }
}

function parse(source: string): ASTNode {
  try {
    return cel.parse(source).ast
  } catch (error) {
    if (!(error instanceof ParseError)) throw new VipIndicatorError('The condition cannot be read', source, 0)
    const { sentence, offset } = explain(error, source)
    throw new VipIndicatorError(sentence, source, offset)
  }
}

function explain(error: ParseError, source: string): Fault {
  const offset = error.range?.start ?? 0
  if (error.code !== 'limit_exceeded') return explainSyntax(error, source, offset)
  if (error.summary.includes('maxAstNodes')) return { sentence: `A condition has at most ${MAX_NODES} nodes`, offset }
  return { sentence: 'The condition is nested too deeply, or has too many arguments', offset }
}

function compileNode(scope: Scope, node: ASTNode): Expression {
  switch (node.op) {
    case 'value':
      return compileLiteral(scope, node)
    case 'id':
      return compileName(scope, node)
    case '.':
    case '[]':
      return compileAccess(scope, node)
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
      return compileArithmetic(scope, node)
    case '<':
    case '<=':
    case '>':
    case '>=':
      return compileOrder(scope, node)
    case '==':
    case '!=':
      return compileEquality(scope, node)
    case 'in':
      return compileMembership(scope, node)
    case '&&':
    case '||':
      return compileLogic(scope, node)
    case '!_':
    case '-_':
      return compileUnary(scope, node)
    case '?:':
      return compileChoice(scope, node)
    case 'call':
      return compileCall(scope, node)
    case 'rcall':
      return compileMethodCall(scope, node)
    case 'list':
      return scope.refuse(node, 'A list stands only after in')
    default:
      return scope.refuse(node, 'A condition has no maps and no optional fields')
  }
}

/** All numbers are doubles, also those written without a point: `ltv * 2` would otherwise mix types, which CEL refuses. */
function compileLiteral(scope: Scope, node: ASTNode & { op: 'value' }): Expression {
  const value = typeof node.args === 'bigint' ? Number(node.args) : node.args
  switch (typeof value) {
    case 'number':
      if (!Number.isFinite(value)) return scope.refuse(node, 'This number is too large')
      return { node, type: 'number', evaluate: () => value, property: null }
    case 'string':
      return { node, type: 'string', evaluate: () => value, property: null }
    case 'boolean':
      return { node, type: 'boolean', evaluate: () => value, property: null }
    default:
      if (value === null) return scope.refuse(node, 'null is only compared (==, !=) with a timestamp fact')
      return scope.refuse(node, 'Values are texts, numbers, true and false')
  }
}

function compileName(scope: Scope, node: ASTNode & { op: 'id' }): Expression {
  const name = node.args
  if (name === 'ltv' || name === 'purchases') {
    scope.useFact(name)
    return { node, type: 'number', evaluate: (facts) => facts[name], property: null }
  }
  if (isTimeFact(name)) {
    scope.useFact(name)
    const notKnown = factNotKnown(name)
    return { node, type: 'number', evaluate: (facts) => facts[name] ?? notKnown, property: null }
  }
  if (name === 'properties')
    return scope.refuse(node, 'A property is read as properties.name or properties["any name"]')
  if (name === 'now' || name === 'days' || name === 'hours') {
    return scope.refuse(node, `${name} has no place here: ${TIME_HINT}`)
  }
  return readProperty(scope, node, name)
}

/** The key is a literal, so that all keys of a rule are known before any user is read. */
function compileAccess(scope: Scope, node: ASTNode & { op: '.' | '[]' }): Expression {
  const [owner, key] = node.args
  if (owner.op !== 'id' || owner.args !== 'properties') {
    return scope.refuse(node, 'Only properties has fields; a key with a point is read as properties["a.b"]')
  }
  if (typeof key === 'string') return readProperty(scope, node, key)
  if (key.op === 'value' && typeof key.args === 'string') return readProperty(scope, node, key.args)
  return scope.refuse(key, 'In the brackets stands a property key as a text, written out')
}

function readProperty(scope: Scope, node: ASTNode, name: string): Expression {
  const key = scope.useProperty(name)
  const missing = new Failure(`the property ${JSON.stringify(key)} is missing`, key)
  return { node, type: null, evaluate: (_facts, properties) => properties.get(key) ?? missing, property: key }
}
