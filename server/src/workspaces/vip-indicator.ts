import { compileCondition } from './condition.ts'
import { Failure } from './condition-value.ts'
import { isTruthy } from './property-truth.ts'
import { nextFlip } from './time-term.ts'
import { VipIndicatorError } from './vip-indicator-error.ts'
import type { VipRule, VipVerdict } from './vip-rule.ts'

export { VipIndicatorError } from './vip-indicator-error.ts'
export type { PropertyValue, UserFacts, VipRule, VipVerdict } from './vip-rule.ts'

const MAX_CHARACTERS = 1000

/** Letters with their combining marks, digits, `_ - . :` and spaces: the key of a property. */
const PROPERTY_KEY = /^[\p{L}\p{M}\p{N}_\-.: ]+$/u

const IS_VIP: VipVerdict = Object.freeze({ vip: true, failure: null, failedProperty: null, dueTimestamp: null })
const IS_NO_VIP: VipVerdict = Object.freeze({ ...IS_VIP, vip: false })

/**
 * The rule that a workspace's `vipIndicator` stands for: the key of a property, or a condition in CEL.
 *
 * @param source at most 1,000 characters and 200 nodes
 * @returns a rule whose `evaluate` never throws and makes no VIP of a user on whom the condition fails
 * @throws VipIndicatorError with the place of the fault
 * @see contract, vip-users, "Who is in the list"
 */
export function compileVipIndicator(source: string): VipRule {
  refuseBadText(source)
  return PROPERTY_KEY.test(source) ? propertyRule(source) : conditionRule(source)
}

/** The cheap looks first, so that a text of megabytes costs nothing. */
function refuseBadText(source: string): void {
  const tooLong = `A VIP indicator has at most ${MAX_CHARACTERS} characters`
  // a character has one or two UTF-16 units
  if (source.length > 2 * MAX_CHARACTERS) throw new VipIndicatorError(tooLong, source, MAX_CHARACTERS)
  const characters = [...source]
  if (characters.length > MAX_CHARACTERS) {
    throw new VipIndicatorError(tooLong, source, characters.slice(0, MAX_CHARACTERS).join('').length)
  }
  if (source.trim() === '') throw new VipIndicatorError('A VIP indicator is a property key or a condition', source, 0)
  if (source.includes('\0')) throw new VipIndicatorError('The text has a NUL', source, source.indexOf('\0'))
  if (!source.isWellFormed()) throw new VipIndicatorError('The text is not well-formed Unicode', source, 0)
}

function propertyRule(source: string): VipRule {
  return {
    source,
    kind: 'property',
    propertyKeys: [source],
    factNames: [],
    isOfFactsAlone: false,
    evaluate: (_facts, properties) => (isTruthy(properties.get(source)) ? IS_VIP : IS_NO_VIP),
  }
}

function conditionRule(source: string): VipRule {
  const { evaluate, propertyKeys, factNames, timeTerms } = compileCondition(source)
  return {
    source,
    kind: 'condition',
    propertyKeys,
    factNames,
    isOfFactsAlone: propertyKeys.length === 0 && timeTerms.length === 0,
    evaluate(facts, properties, nowTimestamp) {
      const value = evaluate(facts, properties, nowTimestamp)
      const dueTimestamp = nextFlip(timeTerms, facts, nowTimestamp)
      if (value instanceof Failure) {
        return { vip: false, failure: value.sentence, failedProperty: value.property, dueTimestamp }
      }
      if (dueTimestamp !== null) return { vip: value === true, failure: null, failedProperty: null, dueTimestamp }
      return value === true ? IS_VIP : IS_NO_VIP
    },
  }
}
