import { ODD, plainObject, plainRevenue, plainText, plainTimestamp } from '../audience/plain.ts'
import type { Purchase, PurchaseOutcome } from '../audience/record-purchases.ts'
import { Joi } from '../http/input.ts'
import { check, findUndecodable, type ImportKind, type KindOptions, MESSAGES, type Outcome } from './kind.ts'

interface PurchaseRow {
  cuid: string
  revenue: bigint
  timestamp: number
  purchaseId: string
}

const OUTCOMES: Record<PurchaseOutcome, Outcome> = {
  recorded: 'imported',
  repeated: 'unchanged',
  erased: 'unchanged',
  conflict: { field: 'purchaseId', reason: 'was used before with another user or revenue' },
}

export function purchasesKind({ orgId, lastTimestamp }: KindOptions): ImportKind<Purchase> {
  const columns = ['cuid', 'revenue', 'timestamp', 'purchaseId'] as const
  const schema = Joi.object<PurchaseRow, true>({
    cuid: Joi.text().required(),
    revenue: Joi.revenue().required(),
    timestamp: Joi.timestamp().notAfter(lastTimestamp).required(),
    purchaseId: Joi.text().required(),
  }).messages(MESSAGES)
  const timestamp = plainTimestamp(() => lastTimestamp)
  const readPlain = plainObject<PurchaseRow>(
    { cuid: plainText, revenue: plainRevenue, timestamp, purchaseId: plainText },
    [...columns],
  )
  return {
    columns,
    required: columns,
    takesProperties: false,
    parse({ values }) {
      const plain = readPlain(values)
      if (plain !== ODD) return toPurchase(plain)
      const undecodable = findUndecodable(values)
      if (undecodable) return undecodable
      const checked = check(schema, values)
      if ('fault' in checked) return checked.fault
      return toPurchase(checked.value)
    },
    partBy: { id: ({ purchaseId }) => purchaseId, user: ({ cuid }) => cuid },
    async write(store, purchases) {
      const outcomes = await store.write('recordPurchases', { orgId, purchases })
      return outcomes.map((outcome) => OUTCOMES[outcome])
    },
    notes: () => [],
  }
}

function toPurchase({ revenue: revenueMicros, ...purchase }: PurchaseRow): Purchase {
  return { ...purchase, revenueMicros }
}
