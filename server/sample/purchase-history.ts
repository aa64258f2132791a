import type { Random } from './random.ts'

/** Two years, of 104 weeks: the days are numbered 0..727, and the last of them is the day before the sample's day. */
export const DAYS = 728

/**
 * The BG/NBD model's parameters for CDNOW, in weeks, as published by Fader, Hardie and Lee, "Counting Your Customers"
 * the Easy Way (Marketing Science 24, 2005), table 2.
 */
export const BG_NBD = { r: 0.243, alpha: 4.414, a: 0.793, b: 2.426 }

/** What a package of chips costs, in cents. */
const PRICES = [
  99, 199, 299, 499, 699, 999, 1499, 1999, 2499, 2999, 3999, 4999, 7499, 9999, 14999, 19999, 24999, 29999, 39999, 49999,
  69999, 99999,
]

export interface Purchase {
  /** 0..727 */
  day: number
  cents: number
}

export interface PurchaseHistory {
  /** Oldest first, never empty. */
  purchases: Purchase[]
  /** Whether the customer has not dropped out by the end of the two years. */
  active: boolean
}

/**
 * The day on which customer `index` (0..count − 1) makes the first purchase: newcomers arrive steadily over the two
 * years, in the order of their numbers, so that the very last one arrives (and buys) on the last day.
 */
export function acquisitionDay(index: number, count: number): number {
  return Math.ceil((DAYS * (index + 1)) / count) - 1
}

/**
 * One customer's purchases from the day of acquisition to the end of the two years, by the BG/NBD model: while active
 * the customer buys again after exponential gaps with a rate of their own, λ ~ Gamma(r, rate α) a week, and drops out
 * for good after each repeat purchase with a probability of their own, p ~ Beta(a, b). The first purchase is no repeat.
 *
 * What they pay: each customer has a level of spending, lognormal with median 5.00 and σ 1.7; each purchase is that
 * level times a lognormal noise (σ 0.5), lowered to the nearest price (0.99 to 999.99). Level and frequency are
 * independent; their product is skewed enough that the top 4 % of customers bring more than half of the revenue.
 */
export function makePurchaseHistory(random: Random, acquiredOn: number): PurchaseHistory {
  const rate = random.gamma(BG_NBD.r, BG_NBD.alpha)
  const dropout = random.beta(BG_NBD.a, BG_NBD.b)
  const level = random.lognormal(Math.log(500), 1.7)
  const buy = (day: number): Purchase => ({ day, cents: priceAtMost(level * random.lognormal(0, 0.5)) })

  const purchases = [buy(acquiredOn)]
  let moment = acquiredOn + random.uniform()
  for (;;) {
    moment += 7 * random.exponential(rate)
    if (moment >= DAYS) return { purchases, active: true }
    purchases.push(buy(Math.floor(moment)))
    if (random.chance(dropout)) return { purchases, active: false }
  }
}

function priceAtMost(cents: number): number {
  return PRICES.findLast((price) => price <= cents) ?? 99
}
