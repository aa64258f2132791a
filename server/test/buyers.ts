import { conversationOf } from './conversations.ts'
import { makeOrganization } from './organization.ts'
import type { TestStore } from './stores.ts'

const HOUR_MS = 3_600_000

/** `buyer-0` …, each with a conversation and one purchase an hour and a half before `now`. */
export async function makeBuyers({ store, execute }: TestStore, vipIndicator: string, count: number) {
  const organization = await makeOrganization(store, { vipIndicator })
  const { orgId, channels } = organization
  const mediumId = channels[0]?.mediumId ?? ''
  const people = Array.from({ length: count }, (_, n) => `buyer-${n}`)
  const now = Date.now()
  await store.write('recordConversations', {
    orgId,
    conversations: people.map((cuid) =>
      conversationOf(mediumId, cuid, { conversationId: cuid, cuid, eventTimestamp: now }),
    ),
  })
  await store.write('recordPurchases', {
    orgId,
    purchases: people.map((cuid) => ({
      purchaseId: cuid,
      cuid,
      revenueMicros: 1_000_000n,
      timestamp: now - 1.5 * HOUR_MS,
    })),
  })
  return {
    ...organization,
    mediumId,
    now,
    /** as if those whose `cuid` is like this had bought, and been judged, an hour earlier */
    async anHourPasses(like = '%'): Promise<void> {
      const users = `(select user_key from users where org_id = ${orgId} and cuid like '${like}')`
      const theirs = `where org_id = ${orgId} and user_key in ${users}`
      await execute(`update purchases set timestamp = timestamp - ${HOUR_MS} ${theirs}`)
      await execute(`update users set last_purchase_timestamp = last_purchase_timestamp - ${HOUR_MS} ${theirs}`)
      await execute(`update vip_marks set due_timestamp = due_timestamp - ${HOUR_MS},
        judged_timestamp = judged_timestamp - ${HOUR_MS} ${theirs}`)
    },
  }
}
