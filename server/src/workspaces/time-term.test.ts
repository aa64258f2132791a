import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileVipIndicator, type UserFacts } from './vip-indicator.ts'

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
const BOUGHT = Date.UTC(2026, 1, 28, 23, 59, 59, 999)
const OPENED = BOUGHT + 5 * DAY_MS
const FACTS: UserFacts = { ltv: 10, purchases: 1, lastPurchaseTimestamp: BOUGHT, lastAppOpenTimestamp: OPENED }

function at(source: string, nowTimestamp: number, facts: Partial<UserFacts> = {}) {
  return compileVipIndicator(source).evaluate({ ...FACTS, ...facts }, new Map(), nowTimestamp)
}

test('a time condition changes in the millisecond that its due time names, and never again', () => {
  const cases = [
    { op: '<', before: true, flip: BOUGHT + 30 * DAY_MS },
    { op: '<=', before: true, flip: BOUGHT + 30 * DAY_MS + 1 },
    { op: '>', before: false, flip: BOUGHT + 30 * DAY_MS + 1 },
    { op: '>=', before: false, flip: BOUGHT + 30 * DAY_MS },
  ]
  for (const { op, before, flip } of cases) {
    const source = `now - lastPurchaseTimestamp ${op} days(30)`
    const early = { vip: before, failure: null, failedProperty: null, dueTimestamp: flip }
    assert.deepEqual(at(source, BOUGHT - DAY_MS), early, `${op}: a purchase dated in the future`)
    assert.deepEqual(at(source, BOUGHT), early, op)
    assert.deepEqual(at(source, flip - 1), early, op)
    assert.deepEqual(at(source, flip), { ...early, vip: !before, dueTimestamp: null }, op)
    assert.deepEqual(at(source, flip + 400 * DAY_MS), { ...early, vip: !before, dueTimestamp: null }, op)
  }
})

test('a period is a number of days or hours, with or without a point, to the millisecond', () => {
  const periods: [period: string, ms: number][] = [
    ['days(1)', DAY_MS],
    ['days(1.0)', DAY_MS],
    ['days(0.5)', DAY_MS / 2],
    ['hours(12)', 12 * HOUR_MS],
    ['hours(1.5e1)', 15 * HOUR_MS],
    ['days(0.33)', 28_512_000],
    ['hours(0)', 0],
    ['days(1000000)', 1_000_000 * DAY_MS],
  ]
  for (const [period, ms] of periods) {
    assert.equal(at(`now - lastAppOpenTimestamp < ${period}`, OPENED - 1).dueTimestamp, OPENED + ms, period)
    assert.equal(at(`(now - lastAppOpenTimestamp) >= (${period})`, OPENED + ms).vip, true, period)
    assert.equal(at(`now - lastAppOpenTimestamp >= ${period}`, OPENED + ms - 1).vip, false, period)
  }
})

test('the due time of several time conditions is the earliest change to come, whichever side decides now', () => {
  const source = 'now - lastPurchaseTimestamp < days(30) || now - lastAppOpenTimestamp <= days(7) && ltv > 1000'
  assert.equal(at(source, OPENED).dueTimestamp, OPENED + 7 * DAY_MS + 1)
  assert.equal(at(source, OPENED + 7 * DAY_MS).dueTimestamp, OPENED + 7 * DAY_MS + 1)
  assert.equal(at(source, OPENED + 7 * DAY_MS + 1).dueTimestamp, BOUGHT + 30 * DAY_MS)
  assert.equal(at(source, BOUGHT + 30 * DAY_MS).dueTimestamp, null)
  assert.equal(at('ltv > 5', BOUGHT).dueTimestamp, null)
})

test('a time condition on an unknown time fails, and the other condition still tells its due time', () => {
  const verdict = at('now - lastPurchaseTimestamp < days(1) || now - lastAppOpenTimestamp > days(2)', OPENED, {
    lastPurchaseTimestamp: null,
  })
  assert.deepEqual(verdict, {
    vip: false,
    failure: 'lastPurchaseTimestamp is not known',
    failedProperty: 'lastPurchaseTimestamp',
    dueTimestamp: OPENED + 2 * DAY_MS + 1,
  })
  const known = at('lastPurchaseTimestamp != null && now - lastPurchaseTimestamp < days(1)', OPENED, {
    lastPurchaseTimestamp: null,
  })
  assert.deepEqual([known.vip, known.failure], [false, null])
})

test('time stands nowhere but in now - T < D', () => {
  const uses = [
    'now > 5',
    'now - 5 < days(1)',
    'now - lastPurchaseTimestamp < 86400000',
    'now - lastPurchaseTimestamp == days(1)',
    'now - lastPurchaseTimestamp != days(1)',
    'days(1) > now - lastPurchaseTimestamp',
    'lastPurchaseTimestamp - now < days(1)',
    'lastPurchaseTimestamp + days(1) > now',
    'now < lastPurchaseTimestamp',
    'now - lastPurchaseTimestamp - 1 < days(1)',
    'now - lastPurchaseTimestamp < days(1) + hours(1)',
    'now - lastPurchaseTimestamp < days(level)',
    'now - lastPurchaseTimestamp < days(-1)',
    'now - lastPurchaseTimestamp < days("1")',
    'now - lastPurchaseTimestamp < days(1, 2)',
    'now - lastPurchaseTimestamp < days()',
    'now - lastPurchaseTimestamp < days(1000001)',
    'now - lastPurchaseTimestamp < weeks(1)',
    'now - ltv < days(1)',
    'now - properties.lastPurchaseTimestamp < days(1)',
    'now - properties["lastPurchaseTimestamp"] < days(1)',
    'now - now < days(1)',
    'now == now',
    'now in [1]',
    '!now',
    'string(now) == "1"',
    'days(3) > hours(3)',
    'days > 3',
    'ltv > hours',
    '(isVip ? now : ltv) > 3',
    'now.size() > 3',
  ]
  for (const source of uses) {
    assert.throws(() => compileVipIndicator(source), { name: 'VipIndicatorError', line: 1 }, source)
  }
  const elsewhere = compileVipIndicator('properties["now"] == 1 && properties.days == 2 && "hours" in properties')
  assert.deepEqual(elsewhere.propertyKeys, ['now', 'days', 'hours'])
})
