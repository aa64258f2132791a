import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileVipIndicator, type PropertyValue, type UserFacts, VipIndicatorError } from './vip-indicator.ts'

const DAY_MS = 86_400_000
const NOW = Date.UTC(2026, 4, 30, 13)
const FACTS: UserFacts = {
  ltv: 500,
  purchases: 4,
  lastPurchaseTimestamp: NOW - 10 * DAY_MS,
  lastAppOpenTimestamp: null,
}
const PROPERTIES = {
  tier: 'gold',
  level: 3,
  levelText: '3',
  isVip: true,
  name: 'Zoë 😀',
  'VIP level': 7,
  ltv: 1,
  'a.b': 'x',
}

function evaluate(
  source: string,
  properties: Record<string, PropertyValue> = PROPERTIES,
  facts: Partial<UserFacts> = {},
) {
  return compileVipIndicator(source).evaluate({ ...FACTS, ...facts }, new Map(Object.entries(properties)), NOW)
}

function refusal(source: string): VipIndicatorError {
  try {
    compileVipIndicator(source)
  } catch (error) {
    assert.ok(error instanceof VipIndicatorError, `${source}: ${error}`)
    return error
  }
  assert.fail(`accepted: ${source}`)
}

test('an indicator of letters, digits, _ - . : and spaces is the key of a property, everything else a condition', () => {
  const sources = [
    'vip',
    'VIP level',
    'is_vip',
    'vip-2',
    'crm:vip.flag',
    '7',
    'true',
    'ltv',
    'now',
    'ВИП',
    '貴賓',
    'Zoe\u0301',
  ]
  for (const source of sources) {
    const rule = compileVipIndicator(source)
    assert.deepEqual([rule.kind, rule.propertyKeys, rule.source], ['property', [source], source])
  }
  for (const source of ['isVip\n', '(isVip)', '!isVip', 'ltv > 1', 'properties["x"] == 1', '"x" in properties']) {
    assert.equal(compileVipIndicator(source).kind, 'condition', source)
  }
})

test('a property rule marks a user while the property is truthy, and a user without it is no failure', () => {
  const no = { vip: false, failure: null, failedProperty: null, dueTimestamp: null }
  assert.deepEqual(evaluate('tier'), { ...no, vip: true })
  assert.deepEqual(evaluate('tier', { tier: ' Off ' }), no)
  assert.deepEqual(evaluate('tier', {}), no)
  assert.deepEqual(evaluate('constructor', {}), no)
  assert.deepEqual(evaluate('ltv', { ltv: 0 }), no, 'the property, not the fact')
})

const TRUE_CONDITIONS = [
  'ltv >= 500',
  'ltv == 500 && ltv == 500.0 && ltv == 5e2 && ltv == 0x1F4',
  'ltv * 2 >= 250',
  'ltv / 1000 == 0.5',
  '7 / 2 == 3.5',
  'purchases % 2 == 0',
  '-7 % 3 == -1 && 7.5 % 2 == 1.5',
  '1 / 0 > 9007199254740993 && !(0 / 0 == 0 / 0)',
  'ltv - purchases - 1 == 495',
  '1 + 2 * 3 == 7 && (1 + 2) * 3 == 9',
  '--1 == 1 && !!true',
  'tier == "gold" && purchases > 3',
  "tier == 'gold' && tier == r\"gold\" && tier == \"\\x67old\" && tier == '''gold'''",
  'level == 3 && level != "3" && levelText != 3',
  'tier < "silver" && tier >= "gold"',
  'level < level + 1 && levelText <= levelText',
  'isVip && isVip == true',
  '(isVip)',
  'properties["isVip"]',
  'properties["VIP level"] == 7 && properties.level == 3 && properties["a.b"] == "x"',
  'ltv == 500 && properties.ltv == 1 && properties["ltv"] == 1',
  'has(properties.tier) && !has(properties.nothing)',
  '"tier" in properties && !("nothing" in properties)',
  'ltv >= 500 && !("selfExcluded" in properties && properties["selfExcluded"] == true)',
  'tier in ["silver", "gold"] && level in [1, 2, 3,] && !(levelText in [3]) && !(tier in [])',
  'level in [ltv, purchases - 1]',
  'tier.startsWith("go") && tier.endsWith("ld") && tier.contains("ol") && !tier.contains("x")',
  'size(name) == 5 && name.size() == 5',
  'double(levelText) == 3 && int(levelText) == 3 && int(7.9) == 7 && int(-7.9) == -7 && double(level) == 3',
  'string(level) == levelText && string(isVip) == "true" && string(tier) == tier',
  'isVip ? ltv > 1 : ltv > 1000',
  '(isVip ? level : purchases) == 3',
  '(has(properties.bonus) ? properties.bonus : 0) + level == 3',
  'now - lastPurchaseTimestamp < days(30)',
  '!(now - lastPurchaseTimestamp > hours(240))',
  'lastAppOpenTimestamp == null && null != lastPurchaseTimestamp',
  'lastPurchaseTimestamp > 1000000000000',
  'ltv >= 500 // regulars\n&& purchases > 3',
]

test('a condition means what CEL says, with all numbers as doubles', () => {
  for (const source of TRUE_CONDITIONS) {
    const verdict = evaluate(source)
    assert.deepEqual([verdict.vip, verdict.failure], [true, null], source)
    const opposite = evaluate(`!(${source}\n)`)
    assert.deepEqual([opposite.vip, opposite.failure], [false, null], source)
  }
})

test('a condition fails on a user who lacks what it asks for, makes that user no VIP, and names the property', () => {
  const cases: [source: string, property: string | null, sentence: string][] = [
    ['bonus > 1', 'bonus', 'the property "bonus" is missing'],
    ['properties["a \\"b\\""] == 1', 'a "b"', 'the property "a \\"b\\"" is missing'],
    ['bonus == 1 || level > 3', 'bonus', 'the property "bonus" is missing'],
    ['level > 3 || bonus == 1', 'bonus', 'the property "bonus" is missing'],
    ['1 in [1, bonus]', 'bonus', 'the property "bonus" is missing'],
    ['levelText > 2', 'levelText', 'the property "levelText" is a text where a number is asked'],
    ['2 < levelText', 'levelText', 'the property "levelText" is a text where a number is asked'],
    ['level < levelText', 'levelText', 'the property "levelText" is a text where a number is asked'],
    ['isVip < level', 'level', 'the property "level" is a number where true or false is asked'],
    ['tier + tier == 2', 'tier', 'the property "tier" is a text where a number is asked'],
    ['-tier == 1', 'tier', 'the property "tier" is a text where a number is asked'],
    ['level && true', 'level', 'the property "level" is a number where true or false is asked'],
    ['!level', 'level', 'the property "level" is a number where true or false is asked'],
    ['(level)', 'level', 'the property "level" is a number where true or false is asked'],
    ['isVip ? level > tier : true', 'tier', 'the property "tier" is a text where a number is asked'],
    ['isVip ? tier : isVip', 'tier', 'the property "tier" is a text where true or false is asked'],
    ['(isVip ? tier : level) > 1', 'tier', 'the property "tier" is a text where a number is asked'],
    ['level.contains("3")', 'level', 'the property "level" is a number where a text is asked'],
    ['tier.contains(level)', 'level', 'the property "level" is a number where a text is asked'],
    ['size(level) == 1', 'level', 'the property "level" is a number where a text is asked'],
    ['double(tier) == 1', 'tier', 'double() finds no number in the property "tier"'],
    ['int(isVip) == 1', 'isVip', 'int() finds no number in the property "isVip"'],
    ['int(1e300) == 1', null, 'int() finds no number in this value'],
    ['now - lastAppOpenTimestamp < days(1)', 'lastAppOpenTimestamp', 'lastAppOpenTimestamp is not known'],
    ['lastAppOpenTimestamp > 5', 'lastAppOpenTimestamp', 'lastAppOpenTimestamp is not known'],
  ]
  for (const [source, failedProperty, failure] of cases) {
    assert.deepEqual(evaluate(source), { vip: false, failure, failedProperty, dueTimestamp: null }, source)
  }
})

test('a failing side does not matter where the other side decides', () => {
  for (const source of [
    'isVip || bonus',
    'bonus || isVip',
    '!(bonus && !isVip)',
    '!(!isVip && bonus)',
    'isVip ? true : bonus',
  ]) {
    assert.deepEqual(evaluate(source), { vip: true, failure: null, failedProperty: null, dueTimestamp: null }, source)
  }
})

test('names that objects inherit are properties like others: missing unless the user has them', () => {
  for (const name of [
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    'prototype',
    'valueOf',
    '__defineGetter__',
  ]) {
    assert.equal(evaluate(`properties["${name}"] == 1`).failedProperty, name)
    assert.equal(evaluate(`properties.${name} == 1`).failedProperty, name)
    assert.equal(evaluate(`has(properties.${name}) || "${name}" in properties`).vip, false)
    const reported = compileVipIndicator(`properties["${name}"] == 1 && "${name}" in properties`)
    assert.equal(reported.evaluate(FACTS, new Map([[name, 1]]), NOW).vip, true)
  }
  assert.equal(evaluate('constructor == 1').failedProperty, 'constructor')
})

test('a rule tells every property key that it can read', () => {
  const source =
    'ltv > 1 && (tier == "x" || properties.b == 1 || properties["c d"] == 2) && has(properties.e) && "f" in properties' +
    ' && (tier.contains(g) ? h : i) && j in [k, "text"] && -size(string(l)) < 0 && now - lastPurchaseTimestamp < days(1)'
  assert.deepEqual(compileVipIndicator(source).propertyKeys, 'tier|b|c d|e|f|g|h|i|j|k|l'.split('|'))
  assert.deepEqual(compileVipIndicator('ltv >= 500').propertyKeys, [])
})

test('an indicator has at most 1,000 characters and 200 nodes', () => {
  const long = (length: number) => `ltv >= 500 //${'😀'.repeat(length - 13)}`
  assert.equal([...long(1000)].length, 1000)
  compileVipIndicator(long(1000))
  assert.match(refusal(long(1001)).message, /^A VIP indicator has at most 1000 characters \(line 1, column 1001\)$/)
  assert.equal(refusal('a'.repeat(1001)).column, 1001)
  compileVipIndicator('a'.repeat(1000))

  const nodes = (count: number) => `${'!'.repeat(count - 3)}(ltv>1)`
  compileVipIndicator(nodes(200))
  assert.match(refusal(nodes(201)).message, /^A condition has at most 200 nodes/)
})

test('a refusal names the line and the column of the fault', () => {
  const cases: [source: string, line: number, column: number, sentence: RegExp][] = [
    ['ltv >=', 1, 7, /ends too early/],
    ['ltv >= 500 &&\n  purchases >> 3', 2, 14, /^Unexpected >/],
    ['ltv >= 500 &&\r\n  tier.matches("g+")', 2, 3, /matches\(\) is not allowed/],
    ['"😀" == tier && now > 5', 1, 16, /now has no place here/],
    ['ltv == "500"', 1, 8, /A number never equals a text/],
    ['ltv + tier.size() + "x" > 1', 1, 21, /a number is asked, and this is a text/],
    ['ltv + 1', 1, 1, /true or false is asked, and this is a number/],
    ['properties[tier] == 1', 1, 12, /property key as a text/],
    ['a.b > 1', 1, 3, /properties\["a.b"\]/],
  ]
  for (const [source, line, column, sentence] of cases) {
    const error = refusal(source)
    assert.deepEqual([error.line, error.column], [line, column], `${source}: ${error.message}`)
    assert.match(error.message, sentence)
  }
})

test('what other languages write is refused with what a condition has instead', () => {
  const cases: [source: string, column: number, sentence: string][] = [
    ['ltv >= 500 AND purchases > 3', 12, 'Write && instead of AND'],
    ['"😀" == tier or isVip', 13, 'Write || instead of or'],
    ['NOT isVip == true', 1, 'Write ! instead of NOT'],
    ['ltv >= 500 && NOT (level > 1)', 15, 'Write ! instead of NOT'],
    ['tier = "gold"', 6, 'Write == instead of ='],
    ['tier === "gold"', 6, 'Write == instead of ==='],
    ['ltv => 500', 5, 'Write >= instead of =>'],
    ['ltv <> 500', 5, 'Write != instead of <>'],
    ['tier == “gold”', 9, 'Write " instead of “'],
    ['tier IN ["gold"]', 6, 'Write in instead of IN'],
    ['tier in ("gold", "silver")', 16, 'A list stands in brackets: ["a", "b"]'],
    ['(ltv > 5', 9, 'The rule ends too early: a closing ) is missing'],
    ['ltv > 5 ANDROID', 9, 'Unexpected ANDROID'],
    ['tier == "gold', 9, 'Unterminated string'],
  ]
  for (const [source, column, sentence] of cases) {
    assert.equal(refusal(source).message, `${sentence} (line 1, column ${column})`)
  }
  assert.equal(compileVipIndicator('AND == 1 && x.startsWith("NOT = ")').propertyKeys.join(), 'AND,x')
})
