import assert from 'node:assert/strict'
import { exportUser } from '../src/users/export-user.ts'
import { verifyStore } from '../src/vip-users/verify.ts'
import { NOW, testApp } from './app.ts'
import { conversationOf } from './conversations.ts'
import { makeOrganization } from './organization.ts'
import type { TestStore } from './stores.ts'

type Operation = 'identify' | 'activity' | 'properties' | 'purchase'

/**
 * A customer's back end that reports its users over the Audience API, in an organization of its own, where `ann`, `ben`
 * and `cleo` have a conversation each and whoever has bought or was given an LTV of 1 is VIP.
 */
export async function reporting({ store, execute }: TestStore) {
  const organization = await makeOrganization(store, { vipIndicator: 'ltv >= 1' })
  const { orgId, workspaceId, channels } = organization
  const mediumId = channels[0]?.mediumId ?? ''
  const t = testApp(store)
  const credentials = await t.key(orgId)

  async function converse(platformUserId: string, cuid: string | null): Promise<void> {
    // long ago, so that every identification is later
    const known = { conversationId: `c-${platformUserId}`, cuid, eventTimestamp: 1e12 }
    const conversations = [conversationOf(mediumId, platformUserId, known)]
    await store.write('recordConversations', { orgId, conversations })
  }
  for (const cuid of ['ann', 'ben', 'cleo']) await converse(cuid, cuid)

  async function report(operation: Operation, body: object | string, headers?: Record<string, string>) {
    const answer = await t.post(credentials, `/v1.0/user/${operation}`, body, headers)
    return { status: answer.statusCode, text: answer.body, headers: answer.headers }
  }

  return {
    ...organization,
    ...t,
    credentials,
    converse,
    report,
    /** what must be taken: 200 without a body */
    async take(operation: Operation, body: object): Promise<void> {
      const { status, text } = await report(operation, body)
      assert.deepEqual([status, text], [200, ''], `${text} for ${JSON.stringify(body).slice(0, 300)}`)
    },
    /** what must be refused with 422, each fault as `path type`; a number in the path stays a number */
    async faults(operation: Operation, body: object | string): Promise<string[]> {
      const { status, text } = await report(operation, body, { 'content-type': 'application/json' })
      assert.equal(status, 422, text)
      const { error } = JSON.parse(text) as { error: { path: (string | number)[]; type: string; message: string }[] }
      return error.map(({ path, type }) => `${JSON.stringify(path)} ${type}`)
    },
    /** a link with the conversation behind it, or with none yet */
    async link(linkId: string, platformUserId: string | null): Promise<void> {
      const conversationKey =
        platformUserId === null
          ? 'null'
          : `(select conversation_key from conversations
              where org_id = ${orgId} and platform_user_id = '${platformUserId}')`
      await execute(`insert into links (org_id, link_id, conversation_key, created_timestamp)
        values (${orgId}, '${linkId}', ${conversationKey}, ${NOW})`)
    },
    linkRow: (linkId: string) =>
      store.db
        .selectFrom('links as l')
        .selectAll()
        .where('l.org_id', '=', orgId)
        .where('l.link_id', '=', linkId)
        .executeTakeFirst(),
    /** the list as a client reads it: `cuid`s in order */
    async listed(): Promise<(string | null)[]> {
      const answer = await t.get(credentials, `/vip-users?workspaceId=${workspaceId}&mediumId=${mediumId}`)
      assert.equal(answer.statusCode, 200, answer.body)
      return (answer.json() as { items: { cuid: string | null }[] }).items.map(({ cuid }) => cuid)
    },
    /** one row of the list as a client reads it */
    async row(cuid: string): Promise<Record<string, unknown> | undefined> {
      const answer = await t.get(credentials, `/vip-users?workspaceId=${workspaceId}&mediumId=${mediumId}`)
      return (answer.json() as { items: Record<string, unknown>[] }).items.find((item) => item.cuid === cuid)
    },
    user: (cuid: string) => exportUser(store, { orgId, cuid }),
    /** the properties that a user has, by key */
    async properties(cuid: string): Promise<Record<string, unknown>> {
      const user = await exportUser(store, { orgId, cuid })
      const there = (user?.properties ?? []).filter(({ value }) => value !== null)
      return Object.fromEntries(there.map(({ key, value }) => [key, value]))
    },
    /** whose ids the organization knows */
    async users(): Promise<string[]> {
      const rows = await store.db.selectFrom('users as u').select('u.cuid').where('u.org_id', '=', orgId).execute()
      return rows.map(({ cuid }) => cuid).sort()
    },
    verify: () => verifyStore(store, { orgId }),
  }
}
