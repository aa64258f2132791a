import type { Purchase, PurchaseOutcome } from '../audience/record-purchases.ts'
import { Joi } from '../http/input.ts'
import { parseTimestamp } from '../http/timestamp.ts'
import { MAX_REVENUE_MICROS, parseMicros } from '../users/money.ts'
import { check, findUndecodable, type ImportKind, type KindOptions, type Outcome } from './kind.ts'

/** Text of so many UTF-16 units has at most 255 bytes of UTF-8. */
const SURELY_SHORT = 85

const OUTCOMES: Record<PurchaseOutcome, Outcome> = {
  recorded: 'imported',
  repeated: 'unchanged',
  erased: 'unchanged',
  conflict: { field: 'purchaseId', reason: 'was used before with another user or revenue' },
}

export function purchasesKind({ orgId, lastTimestamp }: KindOptions): ImportKind<Purchase> {
  const columns = ['cuid', 'revenue', 'timestamp', 'purchaseId'] as const
  const schema = Joi.object<{ cuid: string; revenue: bigint; timestamp: number; purchaseId: string }, true>({
    cuid: Joi.text().required(),
    revenue: Joi.revenue().required(),
    timestamp: Joi.timestamp().notAfter(lastTimestamp).required(),
    purchaseId: Joi.text().required(),
  })
  return {
    columns,
    required: columns,
    takesProperties: false,
    parse({ values }) {
      const plain = parsePlain(values, lastTimestamp)
      if (plain) return plain
      const undecodable = findUndecodable(values)
      if (undecodable) return undecodable
      const checked = check(schema, values)
      if ('fault' in checked) return checked.fault
      const { revenue: revenueMicros, ...purchase } = checked.value
      return { ...purchase, revenueMicros }
    },
    async write(store, purchases) {
      const outcomes = await store.write('recordPurchases', { orgId, purchases })
      return outcomes.map((outcome) => OUTCOMES[outcome])
    },
    notes: () => [],
  }
}

/** Most rows have nothing odd: what the schema would surely take is read in a tenth of its time. */
function parsePlain(values: Record<string, unknown>, lastTimestamp: number): Purchase | null {
  let known = 0
  for (const _name in values) known += 1
  const { cuid, revenue, purchaseId } = values
  if (known !== 4 || !isPlainText(cuid) || !isPlainText(purchaseId)) return null
  const micros = typeof revenue === 'string' || typeof revenue === 'number' ? parseMicros(revenue) : null
  if (micros === null || micros > MAX_REVENUE_MICROS || micros < -MAX_REVENUE_MICROS) return null
  const time = parseTimestamp(values.timestamp)
  if ('fault' in time || time.timestamp > lastTimestamp) return null
  return { cuid, revenueMicros: micros, timestamp: time.timestamp, purchaseId }
}

function isPlainText(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.length > 0 &&
    value.length <= SURELY_SHORT &&
    !value.includes('\0') &&
    !value.includes('\uFFFD') &&
    value.isWellFormed()
  )
}
