import type { ListAnswer, ListQuestion } from '../src/database/list-reader.ts'
import type { Store } from '../src/database/store.ts'
import { conversationOf } from './conversations.ts'

/** Users `u0` … with conversations on the channel; user `n` has an LTV of `n`, reported by one purchase. */
export async function recordVips(
  store: Store,
  { orgId, mediumId, count }: { orgId: number; mediumId: string; count: number },
): Promise<void> {
  const numbers = Array.from({ length: count }, (_, n) => n)
  const eventTimestamp = 1_770_000_000_000
  await store.write('recordConversations', {
    orgId,
    conversations: numbers.map((n) => {
      const known = { conversationId: `${mediumId}-${n}`, userName: `User ${n}`, cuid: `u${n}` }
      return conversationOf(mediumId, `p${n}`, { ...known, eventTimestamp })
    }),
  })
  await store.write('recordPurchases', {
    orgId,
    purchases: numbers.map((n) => ({
      purchaseId: `first-${n}`,
      cuid: `u${n}`,
      revenueMicros: BigInt(n) * 1_000_000n,
      timestamp: eventTimestamp,
    })),
  })
}

export async function totalOf(
  store: Store,
  list: Pick<ListQuestion, 'orgId' | 'workspaceId' | 'mediumId'>,
): Promise<number | Exclude<ListAnswer, object>> {
  const page = await store.readList({ ...list, months: null, limit: 1, offset: 0 })
  return typeof page === 'string' ? page : page.total
}
