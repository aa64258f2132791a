import type { ASTNode } from '@marcbachmann/cel-js'
import { type Evaluate, Failure, type Scope } from './condition-value.ts'
import type { UserFacts } from './vip-rule.ts'

export type TimeFact = 'lastPurchaseTimestamp' | 'lastAppOpenTimestamp'

/** `now - fact < period`: the only place of time in a condition, so that the moment of its change can be told. */
export interface TimeTerm {
  fact: TimeFact
  /** how long after the fact the answer changes, once and for all: the period for `<` and `>=`, 1 ms later for others */
  flipsAfterMs: number
}

const UNIT_MS = new Map([
  ['days', 86_400_000],
  ['hours', 3_600_000],
])

/** With more, timestamp + period could pass 2^53 and lose its milliseconds. */
const MAX_PERIOD_MS = 1_000_000 * 86_400_000

export const TIME_HINT = 'time is asked as now - lastPurchaseTimestamp < days(30), with <, <=, > or >='

export function isTimeFact(name: string): name is TimeFact {
  return name === 'lastPurchaseTimestamp' || name === 'lastAppOpenTimestamp'
}

export function factNotKnown(fact: TimeFact): Failure {
  return new Failure(`${fact} is not known`, fact)
}

/** The term that this comparison is, or `null` when it is another comparison. Periods are whole milliseconds. */
export function compileTimeTerm(scope: Scope, node: ASTNode): (TimeTerm & { evaluate: Evaluate }) | null {
  if (node.op !== '<' && node.op !== '<=' && node.op !== '>' && node.op !== '>=') return null
  const [age, period] = node.args
  if (age.op !== '-' || period.op !== 'call') return null
  const [now, fact] = age.args
  if (now.op !== 'id' || now.args !== 'now' || fact.op !== 'id' || !isTimeFact(fact.args)) return null
  const unitMs = UNIT_MS.get(period.args[0])
  if (unitMs === undefined) return null

  const periodMs = readPeriod(scope, period, unitMs)
  const flipsAfterMs = node.op === '<' || node.op === '>=' ? periodMs : periodMs + 1
  const isTrueBefore = node.op === '<' || node.op === '<='
  const name = fact.args
  scope.useFact(name)
  const notKnown = factNotKnown(name)
  const evaluate: Evaluate = (facts, _properties, nowTimestamp) => {
    const timestamp = facts[name]
    return timestamp === null ? notKnown : nowTimestamp < timestamp + flipsAfterMs === isTrueBefore
  }
  return { fact: name, flipsAfterMs, evaluate }
}

function readPeriod(scope: Scope, call: ASTNode & { op: 'call' }, unitMs: number): number {
  const [unit, [count, ...more]] = call.args
  if (count?.op !== 'value' || more.length > 0) scope.refuse(count ?? call, `${unit}() takes one number, written out`)
  if (typeof count.args !== 'bigint' && typeof count.args !== 'number') {
    scope.refuse(count, `${unit}() takes one number, written out`)
  }
  const periodMs = Math.round(Number(count.args) * unitMs)
  if (periodMs > MAX_PERIOD_MS) scope.refuse(count, 'The longest period is days(1000000)')
  return periodMs
}

/** The first moment after `nowTimestamp` at which one of the terms changes for this user, in epoch ms. */
export function nextFlip(terms: readonly TimeTerm[], facts: UserFacts, nowTimestamp: number): number | null {
  let next: number | null = null
  for (const term of terms) {
    const timestamp = facts[term.fact]
    if (timestamp === null) continue
    const flip = timestamp + term.flipsAfterMs
    if (flip > nowTimestamp && (next === null || flip < next)) next = flip
  }
  return next
}
