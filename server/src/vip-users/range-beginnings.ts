import { sql } from 'kysely'
import { joinEach, rowsTable } from '../database/rows.ts'
import type { Tx } from '../database/write.ts'
import type { ListKey, RowKey } from './ranges.ts'
import { listId } from './refresh.ts'
import type { Target } from './targets.ts'

type Beginning = ListKey & RowKey

/**
 * Takes conversations that are gone out of the beginnings of ranges: a range begins where some row was when it was
 * made, which may be one of theirs. Those of living lists begin at their first row from then on; those that no list
 * counts any more are deleted. The rows are gone, and the caller is alone with the organization's lists.
 */
export async function forgetBeginnings(
  tx: Tx,
  orgId: number,
  conversationIds: string[],
  targets: Target[],
): Promise<void> {
  const living = new Set(
    targets.flatMap(({ workspaceKey, generation, channelKeys }) =>
      [...channelKeys].map((channelKey) => listId({ workspaceKey, channelKey, generation })),
    ),
  )
  for (const beginning of await findBeginnings(tx, orgId, conversationIds)) {
    if (living.has(listId(beginning))) await beginAtFirstRow(tx, orgId, beginning)
    else await sql`delete from vip_user_ranges as r where ${isAt(orgId, beginning)}`.execute(tx.db)
  }
}

async function findBeginnings(tx: Tx, orgId: number, conversationIds: string[]): Promise<Beginning[]> {
  const ids = conversationIds.map((id) => ({ id }))
  const { rows } = await sql<Beginning>`
    /* vip-user-ranges.of-conversations */
    select r.workspace_key as "workspaceKey", r.channel_key as "channelKey", r.generation,
      cast(r.first_negated_ltv_micros as text) as "negatedLtvMicros", r.first_conversation_id as "conversationId"
    from ${rowsTable(tx.db, 'k', { id: 'text' }, ids)}
      ${joinEach(tx.db, 'vip_user_ranges', 'r', sql`r.org_id = ${orgId} and r.first_conversation_id = k.id`)}`.execute(
    tx.db,
  )
  return rows
}

/** A living range that is not its list's first has rows: what is left with none is merged when it is counted. */
async function beginAtFirstRow(tx: Tx, orgId: number, old: Beginning): Promise<void> {
  const first = (column: string) => sql`(
    select ${sql.raw(column)} from vip_users v
    where v.org_id = ${orgId} and v.workspace_key = ${old.workspaceKey} and v.channel_key = ${old.channelKey}
      and v.generation = ${old.generation}
      and (v.negated_ltv_micros, v.conversation_id) >= (${BigInt(old.negatedLtvMicros)}, ${old.conversationId})
    order by v.negated_ltv_micros, v.conversation_id limit 1)`
  await sql`
    /* vip-user-ranges.begin */
    update vip_user_ranges as r
    set first_negated_ltv_micros = ${first('v.negated_ltv_micros')},
      first_conversation_id = ${first('v.conversation_id')}
    where ${isAt(orgId, old)}`.execute(tx.db)
}

function isAt(orgId: number, { workspaceKey, channelKey, generation, ...first }: Beginning) {
  return sql`r.org_id = ${orgId} and r.workspace_key = ${workspaceKey} and r.channel_key = ${channelKey}
    and r.generation = ${generation} and r.first_negated_ltv_micros = ${BigInt(first.negatedLtvMicros)}
    and r.first_conversation_id = ${first.conversationId}`
}
