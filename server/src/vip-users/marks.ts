import { sql } from 'kysely'
import { deleteEach, joinEach, rowsTable } from '../database/rows.ts'
import type { Schema } from '../database/schema.ts'
import type { Tx } from '../database/write.ts'
import { microsToNumber } from '../users/money.ts'
import type { PropertyValue, UserFacts, VipVerdict } from '../workspaces/vip-indicator.ts'
import type { Target } from './targets.ts'

/** What a user is judged on; `ltv_micros` is text, since it may pass 2^53. */
export interface JudgedUser {
  user_key: number
  cuid: string
  ltv_micros: string
  /** whether it is the one that was reported as a property; a boolean as the store has it */
  ltv_is_reported: number | boolean
  purchases: number
  last_purchase_timestamp: number | null
  last_app_open_timestamp: number | null
}

export interface Mark {
  workspaceKey: number
  generation: number
  userKey: number
  vip: boolean
  dueTimestamp: number | null
  /** epoch ms: when the rule was asked */
  judgedTimestamp: number
}

export const NO_PROPERTIES = new Map<string, never>()

const NO_VERDICT: VipVerdict = { vip: false, failure: null, failedProperty: null, dueTimestamp: null }

export function judge(
  target: Target,
  user: JudgedUser,
  properties: ReadonlyMap<string, PropertyValue>,
  now: number,
): VipVerdict {
  return target.rule === null ? NO_VERDICT : target.rule.evaluate(factsOf(user), properties, now)
}

export function factsOf(user: JudgedUser): UserFacts {
  return {
    ltv: microsToNumber(BigInt(user.ltv_micros)),
    purchases: user.purchases,
    lastPurchaseTimestamp: user.last_purchase_timestamp,
    lastAppOpenTimestamp: user.last_app_open_timestamp,
  }
}

/** Whether a user of whom this was known may have a mark. */
export function mayBeMarked(targets: Target[], before: UserFacts | undefined, now: number): boolean {
  return targets.some(({ rule }) => {
    if (rule === null) return false
    return !before || !rule.isOfFactsAlone || rule.evaluate(before, NO_PROPERTIES, now).vip
  })
}

/** The stored marks of these users in these targets. A user without a row is not VIP, and time changes nothing. */
export async function readMarks(tx: Tx, orgId: number, targets: Target[], userKeys: number[]): Promise<Mark[]> {
  if (userKeys.length === 0) return []
  const keys = targets.flatMap(({ workspaceKey, generation }) =>
    userKeys.map((userKey) => keyOf({ workspaceKey, generation, userKey })),
  )
  const { rows } = await sql<Omit<Schema['vip_marks'], 'org_id'>>`
    /* vip-marks.read */
    select m.workspace_key, m.generation, m.user_key, m.vip, m.due_timestamp, m.judged_timestamp
    from ${rowsTable(tx.db, 'k', KEY_COLUMNS, keys)}
      ${joinEach(
        tx.db,
        'vip_marks',
        'm',
        sql`m.org_id = ${orgId}
        and m.workspace_key = k.workspace_key and m.generation = k.generation and m.user_key = k.user_key`,
      )}`.execute(tx.db)
  return rows.map((row) => ({
    workspaceKey: row.workspace_key,
    generation: row.generation,
    userKey: row.user_key,
    vip: row.vip === 1,
    dueTimestamp: row.due_timestamp,
    judgedTimestamp: row.judged_timestamp,
  }))
}

const KEY_COLUMNS = { workspace_key: 'bigint', generation: 'bigint', user_key: 'bigint' } as const

const keyOf = (mark: Pick<Mark, 'workspaceKey' | 'generation' | 'userKey'>) => ({
  workspace_key: mark.workspaceKey,
  generation: mark.generation,
  user_key: mark.userKey,
})

/** Stores what the verdicts changed. A mark that says no for good has no row. */
export async function writeMarks(tx: Tx, orgId: number, marks: Mark[]): Promise<void> {
  const gone = marks.filter((mark) => !mark.vip && mark.dueTimestamp === null)
  const kept = marks.filter((mark) => mark.vip || mark.dueTimestamp !== null)
  await deleteEach(tx.db, 'vip-marks.delete', { table: 'vip_marks', orgId, columns: KEY_COLUMNS }, gone.map(keyOf))
  if (kept.length > 0) {
    const rows = kept.map((mark) => ({
      ...keyOf(mark),
      vip: mark.vip ? 1 : 0,
      due_timestamp: mark.dueTimestamp,
      judged_timestamp: mark.judgedTimestamp,
    }))
    await sql`
      /* vip-marks.write */
      insert into vip_marks (org_id, workspace_key, generation, user_key, vip, due_timestamp, judged_timestamp)
      select ${orgId}, k.workspace_key, k.generation, k.user_key, k.vip, k.due_timestamp, k.judged_timestamp
      from ${rowsTable(tx.db, 'k', { ...KEY_COLUMNS, vip: 'bigint', due_timestamp: 'bigint', judged_timestamp: 'bigint' }, rows)}
      where true
      on conflict (org_id, workspace_key, generation, user_key)
      do update set vip = excluded.vip, due_timestamp = excluded.due_timestamp,
        judged_timestamp = excluded.judged_timestamp`.execute(tx.db)
  }
}
