import assert from 'node:assert/strict'
import type { Store } from '../src/database/store.ts'
import { postSigned } from './cli.ts'
import { conversationOf } from './conversations.ts'
import type { ReportingClient } from './reporting-client.ts'

const CONVERSATIONS = 5

/**
 * A back end that ties the same conversations to one VIP after the other, all of them in a batch: they move together, and
 * the VIPs' list rows with them.
 *
 * @param vips  the `cuid`s that it takes in turn
 */
export async function createIdentifyingClient(
  store: Store,
  { orgId, mediumId, vips }: { orgId: number; mediumId: string; vips: string[] },
): Promise<Omit<ReportingClient, 'checkSince'>> {
  const conversationIds = Array.from({ length: CONVERSATIONS }, (_, number) => `${mediumId}-tied-${number}`)
  const conversations = conversationIds.map((conversationId) =>
    conversationOf(mediumId, conversationId, { conversationId }),
  )
  await store.write('recordConversations', { orgId, conversations })
  const conversationKeys = await readKeys(store, orgId, conversationIds)
  const linkIds = [...(await store.write('linkConversations', { orgId, conversationKeys })).values()]
  const begun = Date.now()
  /** the number of the batch that is sent next, or has been sent and not acknowledged */
  let next = 0
  const cuidOf = (batch: number) => (batch < 0 ? null : vips[batch % vips.length])

  return {
    acknowledged: () => next,
    async send(url, key, signal, onAcknowledged) {
      while (!signal.aborted) {
        const tie = { userId: cuidOf(next), timestamp: begun + next }
        const batch = linkIds.map((d10xLinkId) => ({ d10xLinkId, ...tie }))
        const answer = await postSigned(`${url}/v1.0/user/identify`, key, { batch }).catch(() => null)
        if (answer === null) return
        assert.equal(answer.status, 200, await answer.text())
        next += 1
        onAcknowledged()
      }
    },
    async check({ db }, orgId) {
      const rows = await db
        .selectFrom('conversations as c')
        .leftJoin('users as u', (on) => on.onRef('u.org_id', '=', 'c.org_id').onRef('u.user_key', '=', 'c.user_key'))
        .select('u.cuid')
        .where('c.org_id', '=', orgId)
        .where('c.conversation_id', 'in', conversationIds)
        .execute()
      const cuids = [...new Set(rows.map((row) => row.cuid))]
      assert.deepEqual([rows.length, cuids.length], [CONVERSATIONS, 1], `tied in part: ${cuids}`)
      const [cuid] = cuids
      assert.ok(cuid === cuidOf(next - 1) || cuid === cuidOf(next), `tied to ${cuid}, not to ${cuidOf(next - 1)}`)
    },
  }
}

async function readKeys({ db }: Store, orgId: number, conversationIds: string[]): Promise<number[]> {
  const rows = await db
    .selectFrom('conversations as c')
    .select('c.conversation_key')
    .where('c.org_id', '=', orgId)
    .where('c.conversation_id', 'in', conversationIds)
    .execute()
  return rows.map((row) => row.conversation_key)
}
