import type { Kysely } from 'kysely'
import type { Schema } from '../database/schema.ts'
import { readingTx, type Tx } from '../database/write.ts'
import { readProperties } from '../users/read-properties.ts'
import type { PropertyValue, UserFacts } from '../workspaces/vip-indicator.ts'
import { factsOf, judge, readMarks } from './marks.ts'
import { rankOf, totalOf } from './rank.ts'
import { type ListRow, readRows, readUsers } from './refresh.ts'
import { readTargets, type Target } from './targets.ts'

export interface WorkspaceExplanation {
  id: string
  name: string
  vip: boolean
  /** the rule that said so; null: the workspace has none, and nobody is VIP */
  vipIndicator: string | null
  /** everybody is being judged anew by another rule; until then this one counts */
  vipIndicatorInProcess: boolean
  /** why the rule failed on the user, a sentence */
  failure: string | null
  /** what the rule reads of the user; a property that is missing is null */
  facts: Partial<UserFacts>
  properties: Record<string, PropertyValue | null>
  /** epoch ms at which time alone may change it */
  dueTimestamp: number | null
  /** where the user is listed, one entry for each conversation; ranks begin at 1 */
  channels: { mediumId: string; name: string; conversationId: string; rank: number; total: number }[]
}

/** For each VIP workspace, by name, whether the user is VIP, by which rule, on which facts, and where that shows. */
export async function explainLists(
  db: Kysely<Schema>,
  orgId: number,
  userKey: number,
  now: number,
): Promise<WorkspaceExplanation[]> {
  const tx = readingTx(db, now)
  const workspaces = await db
    .selectFrom('workspaces as w')
    .select(['w.workspace_key', 'w.workspace_id as id', 'w.name', 'w.generation', 'w.building_generation'])
    .where('w.org_id', '=', orgId)
    .where('w.type', '=', 'VIP')
    .orderBy('w.name')
    .orderBy('w.workspace_id')
    .execute()
  const targets = await readTargets(tx, orgId)
  const explained: WorkspaceExplanation[] = []
  for (const { id, name, workspace_key, generation, building_generation } of workspaces) {
    const served = targets.find((target) => target.workspaceKey === workspace_key && target.generation === generation)
    if (!served) continue
    explained.push({
      id,
      name,
      ...(await explainMark(tx, orgId, served, userKey)),
      vipIndicatorInProcess: building_generation !== null,
      channels: await explainRows(db, orgId, await readRows(tx, orgId, [served], [userKey])),
    })
  }
  return explained
}

/** What the stored mark says, and what the rule made of the user when the mark was judged. */
async function explainMark(tx: Tx, orgId: number, target: Target, userKey: number) {
  const { rule } = target
  const [mark] = await readMarks(tx, orgId, [target], [userKey])
  const user = (await readUsers(tx, orgId, [userKey])).get(userKey)
  if (!user) throw new Error(`User ${userKey} is not there`)
  const values = (await readProperties(tx, orgId, [userKey], rule?.propertyKeys ?? [])).get(userKey) ?? new Map()
  const verdict = judge(target, user, values, mark?.judgedTimestamp ?? tx.now)
  const facts = factsOf(user)
  return {
    vip: mark?.vip ?? false,
    vipIndicator: rule?.source ?? null,
    failure: verdict.failure,
    facts: Object.fromEntries((rule?.factNames ?? []).map((name) => [name, facts[name]])),
    properties: Object.fromEntries((rule?.propertyKeys ?? []).map((key) => [key, values.get(key) ?? null])),
    dueTimestamp: mark?.dueTimestamp ?? null,
  }
}

async function explainRows(
  db: Kysely<Schema>,
  orgId: number,
  rows: ListRow[],
): Promise<WorkspaceExplanation['channels']> {
  const channels: WorkspaceExplanation['channels'] = []
  for (const row of rows) {
    const { medium_id, name } = await db
      .selectFrom('channels as c')
      .select(['c.medium_id', 'c.name'])
      .where('c.org_id', '=', orgId)
      .where('c.channel_key', '=', row.channelKey)
      .executeTakeFirstOrThrow()
    channels.push({
      mediumId: medium_id,
      name,
      conversationId: row.conversationId,
      rank: await rankOf(db, orgId, row, row),
      total: await totalOf(db, orgId, row),
    })
  }
  const byChannel = Map.groupBy(channels, ({ mediumId }) => mediumId)
  return [...byChannel.values()].flatMap((ofChannel) => ofChannel.sort((one, other) => one.rank - other.rank))
}
