import { sql } from 'kysely'
import { forUpdate } from '../database/rows.ts'
import { shareRules } from '../database/rules-lock.ts'
import type { Tx } from '../database/write.ts'
import { countOf, lockNextUsers, refreshLists, type Verdicts } from './refresh.ts'
import { readTargets } from './targets.ts'

/** A rule may be slow, and is met by the users for whom it is slowest all at once: a chunk judges for so long at most. */
const JUDGE_MS = 50

export interface ChunkResult {
  generation: number
  users: number
  verdicts: Verdicts
  /** ms, without the wait for who makes the same generation */
  tookMs: number
}

/**
 * Takes the next users into the generation that is being made.
 *
 * @param size how many users at most; the caller steers it by time
 * @returns what was done, with 0 users when all are in; null where nothing is being made
 */
export async function buildChunk(
  tx: Tx,
  { orgId, workspaceKey, size }: { orgId: number; workspaceKey: number; size: number },
): Promise<ChunkResult | null> {
  await shareRules(tx, orgId)
  const { rows } = await sql<{ building_generation: number | null; building_user_key: number | null }>`
    select w.building_generation, w.building_user_key
    from workspaces w
    where w.org_id = ${orgId} and w.workspace_key = ${workspaceKey} ${forUpdate(tx.db)}`.execute(tx.db)
  const startedMs = performance.now()
  const generation = rows[0]?.building_generation
  if (generation === null || generation === undefined) return null
  const targets = (await readTargets(tx, orgId)).filter(
    (target) => target.workspaceKey === workspaceKey && target.generation === generation,
  )
  const users = await lockNextUsers(tx, orgId, { after: rows[0]?.building_user_key ?? 0, limit: size })
  const userKeys = [...users.keys()]
  const none: Verdicts = { vip: 0, notVip: 0, failed: 0, firstFailure: null, failedProperties: new Map() }
  if (userKeys.length === 0) return { generation, users: 0, verdicts: none, tookMs: 0 }
  const evaluated = await refreshLists(tx, orgId, userKeys, { targets, users, judgeMs: JUDGE_MS })
  const verdicts = [...evaluated.values()][0] ?? none
  const judged = countOf(verdicts)
  await tx.db
    .updateTable('workspaces')
    .set({ building_user_key: userKeys[judged - 1] ?? null })
    .where('org_id', '=', orgId)
    .where('workspace_key', '=', workspaceKey)
    .execute()
  const tookMs = performance.now() - startedMs
  return { generation, users: judged, verdicts, tookMs }
}
