import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { makeSample, SAMPLE, type SampleCustomer } from './sample.ts'

const DAY_MS = 86_400_000
const asOf = Temporal.PlainDate.from('2026-05-30')
const midnight = Date.parse('2026-05-30T00:00:00Z')
const began = performance.now()
const customers = [...makeSample({ asOf })]
const tookMs = performance.now() - began
const conversations = customers.flatMap((customer) => customer.conversations)
const purchases = customers.flatMap((customer) => customer.purchases)

function ltvMicros(customer: SampleCustomer): bigint {
  return customer.purchases.reduce((sum, purchase) => sum + purchase.micros, 0n)
}

function share(part: readonly unknown[], whole: readonly unknown[]): number {
  return part.length / whole.length
}

function assertBetween(value: number, low: number, high: number): void {
  assert.ok(value >= low && value <= high, `${value} is not in ${low}..${high}`)
}

/** SHA-256 over the whole sample as JSON lines, with times as ms before `day` and birthdays' years as years before its. */
function fingerprint(sample: Iterable<SampleCustomer>, day: Temporal.PlainDate): string {
  const dayMs = day.toZonedDateTime('UTC').epochMilliseconds
  const hash = createHash('sha256')
  for (const customer of sample) {
    const line = JSON.stringify(customer, (key, value: unknown) => {
      if (typeof value === 'bigint') return String(value)
      if (key.toLowerCase().endsWith('timestamp') && typeof value === 'number') return value - dayMs
      if (key === 'birthday' && typeof value === 'string') {
        // Leap years do not move with the day.
        if (value.endsWith('-02-29')) return value.startsWith('--') ? value : 'leap-02-29'
        return value.replace(/^\d{4}/, (year) => String(Number(year) - day.year))
      }
      return value
    })
    hash.update(`${line}\n`)
  }
  return hash.digest('hex')
}

const FINGERPRINT = '1ddd55bc80e6173b7bedb9fcc87f9c5c363937ab756628fe112d240fd2fb9415'

test('the sample is the same to the byte on every machine', () => {
  assert.equal(fingerprint(customers, asOf), FINGERPRINT)
})

test('the sample of another day is the same, moved by whole days', () => {
  const later = Temporal.PlainDate.from('2031-11-17')
  assert.equal(fingerprint(makeSample({ asOf: later }), later), FINGERPRINT)
})

test('the sample of 25,000 customers is made in less than 4 seconds', () => {
  assert.equal(customers.length, 25_000)
  assert.ok(tookMs < 4_000, `${tookMs} ms`)
})

test('the sample covers two years and ends yesterday', () => {
  const times = purchases.map((purchase) => purchase.timestamp)
  const first = times.reduce((a, b) => Math.min(a, b))
  const last = times.reduce((a, b) => Math.max(a, b))
  assertBetween(first, midnight - 728 * DAY_MS, midnight - 727 * DAY_MS)
  assertBetween(last, midnight - DAY_MS, midnight - 1)
  for (const { lastAppOpenTimestamp } of customers) assert.ok((lastAppOpenTimestamp ?? 0) < midnight)
  for (const { lastUserMessageTimestamp } of conversations) assert.ok((lastUserMessageTimestamp ?? 0) < midnight)
})

test('a small sample ends yesterday too, and one of nobody is empty', () => {
  const small = [...makeSample({ asOf, customers: 10 })]
  const last = Math.max(...small.flatMap((customer) => customer.purchases).map((purchase) => purchase.timestamp))
  assertBetween(last, midnight - DAY_MS, midnight - 1)
  assert.deepEqual([...makeSample({ asOf, customers: 0 })], [])
})

test('the top 4 % of sample customers bring more than half of the revenue', () => {
  const totals = customers.map((customer) => Number(ltvMicros(customer))).sort((a, b) => b - a)
  const revenue = totals.reduce((sum, total) => sum + total, 0)
  const top = totals.slice(0, totals.length * 0.04).reduce((sum, total) => sum + total, 0)
  assertBetween(top / revenue, 0.5, 0.65)
})

test('about 4 % of sample customers meet the indicator of each VIP workspace', () => {
  const indicators = SAMPLE.workspaces.flatMap(({ vipIndicator }) => vipIndicator ?? [])
  assert.equal(indicators.length, 2)
  for (const indicator of indicators) {
    const threshold = /^ltv >= (\d+)$/.exec(indicator)?.[1] ?? assert.fail(indicator)
    const vips = customers.filter((customer) => ltvMicros(customer) >= BigInt(threshold) * 1_000_000n)
    assertBetween(share(vips, customers), 0.035, 0.045)
  }
})

test('the sample has a VIP workspace on both channels, a standard one, and a VIP workspace on none', () => {
  const shapes = SAMPLE.workspaces.map(({ type, channels }) => `${type} ${channels.length}`)
  assert.deepEqual(shapes, ['VIP 2', 'STANDARD 2', 'VIP 0'])
})

for (const { type } of SAMPLE.channels) {
  test(`the first 20 rows of the sample's list on ${type} show all ten fields`, () => {
    const rows = customers.flatMap((customer) =>
      customer.conversations
        .filter(({ channel }) => channel === type)
        .map((conversation) => ({ customer, conversation, ltv: ltvMicros(customer) })),
    )
    rows.sort((a, b) => {
      if (a.ltv !== b.ltv) return a.ltv > b.ltv ? -1 : 1
      return Buffer.compare(Buffer.from(a.conversation.conversationId), Buffer.from(b.conversation.conversationId))
    })
    for (const { customer, conversation } of rows.slice(0, 20)) {
      const { firstName, lastName, birthday } = customer.properties
      const { conversationId, userName, picture, lastUserMessageTimestamp } = conversation
      const texts = [conversationId, userName, firstName, lastName, customer.cuid, picture, birthday]
      for (const text of texts) assert.ok(typeof text === 'string' && text !== '', customer.cuid)
      const times = [customer.purchases.at(-1)?.timestamp, lastUserMessageTimestamp, customer.lastAppOpenTimestamp]
      for (const time of times) assert.ok(typeof time === 'number', customer.cuid)
    }
  })
}

test('nearly all sample customers have a last app open, never before their last purchase', () => {
  const opened = customers.filter((customer) => customer.lastAppOpenTimestamp !== null)
  assertBetween(share(opened, customers), 0.965, 0.975)
  for (const { lastAppOpenTimestamp, purchases: own } of opened) {
    assert.ok(own.every(({ timestamp }) => timestamp <= (lastAppOpenTimestamp ?? 0)))
  }
})

test('nearly all sample conversations have a last message', () => {
  const answered = conversations.filter((conversation) => conversation.lastUserMessageTimestamp !== null)
  assertBetween(share(answered, conversations), 0.965, 0.975)
})

test('sample customers have a conversation on one of two channels, some on both', () => {
  const both = customers.filter((customer) => customer.conversations.length === 2)
  assertBetween(share(both, customers), 0.025, 0.035)
  for (const { conversations: own } of customers) {
    assert.equal(new Set(own.map(({ channel }) => channel)).size, own.length)
    assert.ok(own.length === 1 || own.length === 2)
  }
  const onMessenger = conversations.filter(({ channel }) => channel === 'FB_PAGE')
  assertBetween(share(onMessenger, conversations), 0.55, 0.65)
})

test('the ids of sample conversations, platform users, customers and purchases are unique', () => {
  const ids = [
    conversations.map(({ conversationId }) => conversationId),
    conversations.map(({ platformUserId }) => platformUserId),
    customers.map(({ cuid }) => cuid),
    purchases.map(({ purchaseId }) => purchaseId),
  ]
  for (const each of ids) assert.equal(new Set(each).size, each.length)
})

test('sample profiles look like those of their platform', () => {
  for (const { channel, conversationId, platformUserId, userName, firstName, picture } of conversations) {
    assert.match(conversationId, /^[0-9a-f]{24}$/)
    assert.match(picture, /^\/sample\/pictures\/1?\d?\d\.svg$/)
    if (channel === 'FB_PAGE') {
      assert.match(platformUserId, /^[1-9]\d{15}$/)
      assert.ok(firstName !== null && userName.includes(firstName))
    } else {
      assert.match(platformUserId, /^[1-9]\d{16}$/)
      assert.match(userName, /^[a-z0-9._]{3,30}$/)
    }
  }
})

test('the back end of the sample knows the names of 70 % of its customers and the birthdays of 40 %', () => {
  const named = customers.filter(({ properties }) => 'firstName' in properties && 'lastName' in properties)
  assertBetween(share(named, customers), 0.68, 0.72)
  const birthdays = customers.flatMap(({ properties }) => properties.birthday ?? [])
  assertBetween(share(birthdays, customers), 0.38, 0.42)
  const withoutYear = birthdays.filter((birthday) => String(birthday).startsWith('--'))
  assertBetween(share(withoutYear, birthdays), 0.1, 0.14)
  const leapDays = birthdays.filter((birthday) => String(birthday).endsWith('-02-29'))
  assert.ok(leapDays.includes('--02-29') && leapDays.includes('1984-02-29'), leapDays.join(' '))
})

test('sample purchases come oldest first, in whole cents', () => {
  for (const { purchases: own } of customers) {
    assert.ok(own.length > 0)
    for (const [index, { micros, timestamp }] of own.entries()) {
      assert.ok(micros > 0n && micros % 10_000n === 0n)
      assert.ok(timestamp >= (own[index - 1]?.timestamp ?? 0))
    }
  }
})
