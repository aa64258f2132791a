import type { Purchase } from '../src/audience/record-purchases.ts'
import type { UserReport } from '../src/audience/record-users.ts'
import type { ConversationReport } from '../src/conversations/record-conversations.ts'

/** Facts, in any order. No two that concern the same thing have the same event time. */
export interface Facts {
  conversations: ConversationReport[]
  users: UserReport[]
  purchases: Purchase[]
}

export interface ModelRow {
  conversationId: string
  cuid: string
  birthday: string | null
  firstName: string | null
  ltvMicros: bigint
  lastPurchaseTimestamp: number | null
  lastAppOpenTimestamp: number | null
}

/** The list by the contract's words, the slow and plain way: the VIPs with `ltv >= threshold` on a channel. */
export function modelList(facts: Facts, mediumId: string, thresholdMicros: bigint): ModelRow[] {
  const rows: ModelRow[] = []
  for (const conversationId of new Set(facts.conversations.map((report) => report.conversationId ?? ''))) {
    const reports = byTime(facts.conversations.filter((report) => report.conversationId === conversationId))
    if (reports[0]?.mediumId !== mediumId) continue
    const cuid = reports.findLast((report) => report.cuid !== null)?.cuid
    if (!cuid) continue
    const bought = purchasesOf(facts, cuid)
    const ltvMicros = ltvOf(facts, cuid, bought)
    if (ltvMicros < thresholdMicros) continue
    const birthday = property(facts, cuid, 'birthday')
    const reported = property(facts, cuid, 'firstName')
    const firstName = typeof reported === 'string' && reported.trim() !== '' ? reported : platformName(facts, cuid)
    rows.push({
      conversationId,
      cuid,
      ltvMicros,
      birthday: typeof birthday === 'string' ? birthday : null,
      firstName,
      lastPurchaseTimestamp: latest(bought.filter((one) => one.revenueMicros >= 0n).map((one) => one.timestamp)),
      lastAppOpenTimestamp: latest(
        facts.users.filter((report) => report.cuid === cuid).flatMap((report) => report.lastAppOpenTimestamp ?? []),
      ),
    })
  }
  return rows.sort((one, other) => {
    if (one.ltvMicros !== other.ltvMicros) return one.ltvMicros > other.ltvMicros ? -1 : 1
    return Buffer.compare(Buffer.from(one.conversationId), Buffer.from(other.conversationId))
  })
}

function byTime<T extends { eventTimestamp: number }>(reports: T[]): T[] {
  return reports.toSorted((one, other) => one.eventTimestamp - other.eventTimestamp)
}

function property(facts: Facts, cuid: string, key: string) {
  const reports = byTime(facts.users.filter((report) => report.cuid === cuid))
  return reports.flatMap((report) => report.properties.filter((one) => one.key === key)).at(-1)?.value ?? null
}

function latest(timestamps: number[]): number | null {
  return timestamps.length === 0 ? null : Math.max(...timestamps)
}

/** Each purchase once. */
function purchasesOf(facts: Facts, cuid: string): Purchase[] {
  const counted = new Map(facts.purchases.map((purchase) => [purchase.purchaseId, purchase]))
  return [...counted.values()].filter((purchase) => purchase.cuid === cuid)
}

function ltvOf(facts: Facts, cuid: string, bought: Purchase[]): bigint {
  const reported = property(facts, cuid, 'ltv')
  if (typeof reported === 'number') return BigInt(Math.round(reported * 1e6))
  return bought.reduce((sum, purchase) => sum + purchase.revenueMicros, 0n)
}

/** The newest first name among the profiles of the conversations that are the user's now. */
function platformName(facts: Facts, cuid: string): string | null {
  const own = [...Map.groupBy(facts.conversations, (report) => report.conversationId).values()]
    .map(byTime)
    .filter((reports) => reports.findLast((report) => report.cuid !== null)?.cuid === cuid)
  return byTime(own.flat().filter((report) => report.firstName !== null)).at(-1)?.firstName ?? null
}
