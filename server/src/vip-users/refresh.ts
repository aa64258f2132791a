import { sql } from 'kysely'
import { deleteEach, hasRowLocks, joinEach, lockEach, rowsTable, userKeysTable } from '../database/rows.ts'
import { together } from '../database/together.ts'
import type { Tx } from '../database/write.ts'
import { isProfileOld, type PlannedRead, planProfileReads } from '../profiles/plan-reads.ts'
import { readProperties } from '../users/read-properties.ts'
import type { UserFacts } from '../workspaces/vip-indicator.ts'
import { type JudgedUser, judge, type Mark, mayBeMarked, NO_PROPERTIES, readMarks, writeMarks } from './marks.ts'
import { type CountChange, countChanges, findRanges, type ListKey } from './ranges.ts'
import { type RowFacts, rowMonth, rowText } from './row.ts'
import { readTargets, type Target } from './targets.ts'

export interface ListRow extends ListKey {
  negatedLtvMicros: string
  conversationId: string
  userKey: number
  birthdayMonth: number | null
  row: string
  /** whose profile is to be read once the row is written */
  oldProfile?: PlannedRead
}

/**
 * Refreshes what the lists derive from these users: their VIP marks, their list rows, the counted ranges and the
 * lists' versions. Every write ends with it, in its own transaction. The caller has locked the users, shares the
 * rules, and has brought the users' own derived columns up to date.
 *
 * @param given `targets`: the generations to refresh, all of the organization's where left out; `users`: these users, where
 *   the caller has read them with their locks, and loses those that are not judged; `before`: what the rules were told of
 *   them when they were last judged, by which nobody who cannot have a mark is looked up; `judgeMs`: of one target, the
 *   first users alone, by their keys, that are judged in so many ms, one at least
 * @returns how each target's rule fared over these users
 */
export async function refreshLists(
  tx: Tx,
  orgId: number,
  userKeys: number[],
  given: {
    targets?: Target[]
    users?: Map<number, JudgedUser>
    before?: ReadonlyMap<number, UserFacts>
    judgeMs?: number
  } = {},
): Promise<Map<Target, Verdicts>> {
  const wantedTargets = given.targets ?? (await readTargets(tx, orgId))
  const evaluated = new Map<Target, Verdicts>()
  if (wantedTargets.length === 0 || userKeys.length === 0) return evaluated
  const users = given.users ?? (await readUsers(tx, orgId, userKeys))
  const after = await judgeAll(tx, orgId, wantedTargets, users, evaluated, given.judgeMs)
  const judged = given.judgeMs === undefined ? userKeys : [...users.keys()]
  const isMarked = new Set(after.map((mark) => mark.userKey))
  const mayHaveMark = (userKey: number) =>
    !given.before || isMarked.has(userKey) || mayBeMarked(wantedTargets, given.before.get(userKey), tx.now)
  const [before, wanted] = await together(
    tx,
    () => readMarks(tx, orgId, wantedTargets, judged.filter(mayHaveMark)),
    () => deriveRows(tx, orgId, wantedTargets, users, after),
  )
  const listed = [...new Set([...before, ...after].filter((mark) => mark.vip).map((mark) => mark.userKey))]
  const [stored] = await together(
    tx,
    () => readRows(tx, orgId, wantedTargets, listed),
    () => writeMarks(tx, orgId, changedMarks(before, after)),
  )
  await storeRows(tx, orgId, stored, wanted)
  return evaluated
}

/** How a rule fared over the users that it was asked about. */
export interface Verdicts {
  vip: number
  notVip: number
  failed: number
  firstFailure: string | null
  failedProperties: Map<string, number>
}

export const countOf = ({ vip, notVip, failed }: Verdicts): number => vip + notVip + failed

/** What a `JudgedUser` is read from: columns of `users`, which is to have no alias. */
export const JUDGED_COLUMNS = sql.raw(`users.user_key, users.cuid,
  cast(coalesce(users.ltv_property_micros, users.purchases_micros) as text) as ltv_micros,
  users.ltv_property_micros is not null as ltv_is_reported, users.purchases,
  users.last_purchase_timestamp, users.last_app_open_timestamp`)

/** In the order of their keys. */
export async function readUsers(tx: Tx, orgId: number, userKeys: number[]): Promise<Map<number, JudgedUser>> {
  const { rows } = await sql<JudgedUser>`
    /* users.judged */
    select ${JUDGED_COLUMNS}
    from ${userKeysTable(tx.db, userKeys)}
      ${joinEach(tx.db, 'users', 'users', sql`users.org_id = ${orgId} and users.user_key = k.user_key`)}`.execute(tx.db)
  return usersByKey(rows)
}

/** In the order of their keys. */
export function usersByKey(users: JudgedUser[]): Map<number, JudgedUser> {
  users.sort((one, other) => one.user_key - other.user_key)
  return new Map(users.map((user) => [user.user_key, user]))
}

/** Locks the next users after this key until the commit, `limit` at most. In the order of their keys. */
export async function lockNextUsers(
  tx: Tx,
  orgId: number,
  { after, limit }: { after: number; limit: number },
): Promise<Map<number, JudgedUser>> {
  const { rows } = await sql<JudgedUser>`
    /* users.next */
    select ${JUDGED_COLUMNS}
    from (
      select n.user_key from (
        select u.user_key, u.cuid from users u where u.org_id = ${orgId} and u.user_key > ${after}
        order by u.user_key limit ${limit}) n
      order by n.cuid) k
      ${lockEach(tx.db, 'users', 'users', sql`users.org_id = ${orgId} and users.user_key = k.user_key`)}`.execute(tx.db)
  return usersByKey(rows)
}

/** Takes the users that there is no time for out of `users`. */
async function judgeAll(
  tx: Tx,
  orgId: number,
  targets: Target[],
  users: Map<number, JudgedUser>,
  evaluated: Map<Target, Verdicts>,
  judgeMs = Infinity,
): Promise<Mark[]> {
  const keys = [...new Set(targets.flatMap((target) => target.rule?.propertyKeys ?? []))]
  const properties = await readProperties(tx, orgId, [...users.keys()], keys)
  const marks: Mark[] = []
  const until = performance.now() + judgeMs
  for (const target of targets) {
    const sums: Verdicts = { vip: 0, notVip: 0, failed: 0, firstFailure: null, failedProperties: new Map() }
    evaluated.set(target, sums)
    for (const user of users.values()) {
      if (performance.now() > until && countOf(sums) > 0) {
        users.delete(user.user_key)
        continue
      }
      const verdict = judge(target, user, properties.get(user.user_key) ?? NO_PROPERTIES, tx.now)
      if (verdict.failure !== null) {
        sums.failed += 1
        sums.firstFailure ??= verdict.failure
        const name = verdict.failedProperty
        if (name !== null) sums.failedProperties.set(name, (sums.failedProperties.get(name) ?? 0) + 1)
      } else if (verdict.vip) sums.vip += 1
      else sums.notVip += 1
      if (verdict.vip || verdict.dueTimestamp !== null) {
        const { workspaceKey, generation } = target
        const { vip, dueTimestamp } = verdict
        marks.push({ workspaceKey, generation, userKey: user.user_key, vip, dueTimestamp, judgedTimestamp: tx.now })
      }
    }
  }
  return marks
}

const markId = (mark: Mark) => `${mark.workspaceKey} ${mark.generation} ${mark.userKey}`

function changedMarks(before: Mark[], after: Mark[]): Mark[] {
  const left = new Map(before.map((mark) => [markId(mark), mark]))
  const changed: Mark[] = []
  for (const mark of after) {
    const old = left.get(markId(mark))
    left.delete(markId(mark))
    // a mark that may fall due is stored with the time at which it was judged
    if (!old || old.vip !== mark.vip || mark.dueTimestamp !== null || old.dueTimestamp !== null) changed.push(mark)
  }
  for (const mark of left.values()) changed.push({ ...mark, vip: false, dueTimestamp: null })
  return changed
}

export async function readRows(tx: Tx, orgId: number, targets: Target[], userKeys: number[]): Promise<ListRow[]> {
  if (userKeys.length === 0) return []
  const { rows } = await sql<{
    workspace_key: number
    channel_key: number
    generation: number
    ltv: string
    conversation_id: string
    user_key: number
    birthday_month: number | null
    row: string
  }>`
    /* vip-users.of-users */
    select v.workspace_key, v.channel_key, v.generation, cast(v.negated_ltv_micros as text) as ltv,
      v.conversation_id, v.user_key, v.birthday_month, v.row
    from ${userKeysTable(tx.db, userKeys)} ${joinEach(tx.db, 'vip_users', 'v', sql`v.org_id = ${orgId} and v.user_key = k.user_key`)}`.execute(
    tx.db,
  )
  const channels = channelsByTarget(targets)
  return (
    rows
      // what older generations and disconnected channels have left is being deleted, and counted nowhere
      .filter((row) => channels.get(`${row.workspace_key} ${row.generation}`)?.has(row.channel_key))
      .map((row) => ({
        workspaceKey: row.workspace_key,
        channelKey: row.channel_key,
        generation: row.generation,
        negatedLtvMicros: row.ltv,
        conversationId: row.conversation_id,
        userKey: row.user_key,
        birthdayMonth: row.birthday_month,
        row: row.row,
      }))
  )
}

/** A conversation, with what nobody but a VIP is shown with. */
interface ConversationFacts extends Omit<RowFacts, 'cuid' | 'last_purchase_timestamp' | 'last_app_open_timestamp'> {
  channel_key: number
  user_key: number
  conversation_key: number
  profile_read_timestamp: number | null
}

/** The channels that each target lists. */
function channelsByTarget(targets: Target[]): Map<string, ReadonlySet<number>> {
  return new Map(targets.map((target) => [`${target.workspaceKey} ${target.generation}`, target.channelKeys]))
}

export async function deriveRows(
  tx: Tx,
  orgId: number,
  targets: Target[],
  users: Map<number, JudgedUser>,
  marks: Mark[],
): Promise<ListRow[]> {
  const vips = marks.filter((mark) => mark.vip)
  const vipKeys = [...new Set(vips.map((mark) => mark.userKey))]
  if (vipKeys.length === 0) return []
  const { rows: conversations } = await sql<ConversationFacts>`
    /* conversations.of-users */
    select c.conversation_id, c.channel_key, c.user_key, c.user_name, c.profile_pic, c.last_user_message_timestamp,
      c.conversation_key, c.profile_read_timestamp, u.first_name, u.last_name, u.birthday
    from ${userKeysTable(tx.db, vipKeys)}
      ${joinEach(tx.db, 'users', 'u', sql`u.org_id = ${orgId} and u.user_key = k.user_key`)}
      ${joinEach(tx.db, 'conversations', 'c', sql`c.org_id = ${orgId} and c.user_key = k.user_key`)}
  `.execute(tx.db)
  const byUser = Map.groupBy(conversations, (conversation) => conversation.user_key)
  const targetOf = new Map(targets.map((target) => [`${target.workspaceKey} ${target.generation}`, target]))
  const texts = new Map<ConversationFacts, string>()
  const wanted: ListRow[] = []
  for (const { workspaceKey, generation, userKey } of vips) {
    const user = users.get(userKey)
    const target = targetOf.get(`${workspaceKey} ${generation}`)
    for (const conversation of byUser.get(userKey) ?? []) {
      const { channel_key: channelKey, conversation_key: conversationKey } = conversation
      if (!user || !target?.channelKeys.has(channelKey)) continue
      const isOld =
        target.profileChannelKeys.has(channelKey) && isProfileOld(conversation.profile_read_timestamp, tx.now)
      const row = texts.getOrInsertComputed(conversation, () => rowText({ ...user, ...conversation }))
      wanted.push({
        workspaceKey,
        channelKey,
        generation,
        negatedLtvMicros: String(-BigInt(user.ltv_micros)),
        conversationId: conversation.conversation_id,
        userKey,
        birthdayMonth: rowMonth(conversation.birthday),
        row,
        // of a list that is being made, whoever writes or buys meanwhile goes first
        ...(isOld && { oldProfile: { conversationKey, channelKey, isLast: target.builtUserKey !== null } }),
      })
    }
  }
  return wanted
}

export const listId = (row: ListKey) => `${row.workspaceKey} ${row.channelKey} ${row.generation}`
export const rowId = (row: ListRow) => `${listId(row)} ${row.negatedLtvMicros} ${row.conversationId}`

async function storeRows(tx: Tx, orgId: number, stored: ListRow[], wanted: ListRow[]): Promise<void> {
  const left = new Map(stored.map((row) => [rowId(row), row]))
  const written: ListRow[] = []
  const changes = new Map<string, { list: ListKey; counts: CountChange[] }>()
  const count = (row: ListRow, by: 1 | -1) => {
    changes.getOrInsertComputed(listId(row), () => ({ list: row, counts: [] })).counts.push({ ...row, count: by })
  }
  for (const row of wanted) {
    const old = left.get(rowId(row))
    left.delete(rowId(row))
    if (old && old.row === row.row && old.userKey === row.userKey) continue
    if (old) count(old, -1)
    count(row, 1)
    written.push(row)
  }
  const gone = [...left.values()]
  for (const row of gone) count(row, -1)
  if (changes.size === 0) return
  const lists = [...changes.values()]
  const keys = lists.map(({ list }) => list)
  const [, , , , ...places] = await together(
    tx,
    () => deleteRows(tx, orgId, gone),
    () => writeRows(tx, orgId, written),
    () => lockLists(tx, orgId, keys),
    () => raiseLists(tx, orgId, keys),
    ...lists.map(
      ({ list, counts }) =>
        () =>
          findRanges(tx, orgId, list, counts),
    ),
  )
  await together(
    tx,
    ...lists.map(
      ({ list }, n) =>
        () =>
          countChanges(tx, orgId, list, places[n] ?? []),
    ),
  )
  await planProfileReads(
    tx,
    orgId,
    written.flatMap((row) => row.oldProfile ?? []),
  )
}

const KEY_TYPES = {
  workspace_key: 'bigint',
  channel_key: 'bigint',
  generation: 'bigint',
  negated_ltv_micros: 'bigint',
  conversation_id: 'text',
} as const

const toKey = (row: ListRow) => ({
  workspace_key: row.workspaceKey,
  channel_key: row.channelKey,
  generation: row.generation,
  negated_ltv_micros: BigInt(row.negatedLtvMicros),
  conversation_id: row.conversationId,
})

async function deleteRows(tx: Tx, orgId: number, rows: ListRow[]): Promise<void> {
  await deleteEach(tx.db, 'vip-users.delete', { table: 'vip_users', orgId, columns: KEY_TYPES }, rows.map(toKey))
}

async function writeRows(tx: Tx, orgId: number, rows: ListRow[]): Promise<void> {
  if (rows.length === 0) return
  const types = { ...KEY_TYPES, user_key: 'bigint', birthday_month: 'bigint', row: 'text' } as const
  const columns = rows.map((row) => ({
    ...toKey(row),
    user_key: row.userKey,
    birthday_month: row.birthdayMonth,
    row: row.row,
  }))
  await sql`
    /* vip-users.write */
    insert into vip_users (org_id, workspace_key, channel_key, generation, negated_ltv_micros, conversation_id,
      user_key, birthday_month, row)
    select ${orgId}, k.workspace_key, k.channel_key, k.generation, k.negated_ltv_micros, k.conversation_id, k.user_key,
      k.birthday_month, k.row
    from ${rowsTable(tx.db, 'k', types, columns)}
    where true
    on conflict (org_id, workspace_key, channel_key, generation, negated_ltv_micros, conversation_id)
    do update set user_key = excluded.user_key, birthday_month = excluded.birthday_month, row = excluded.row
  `.execute(tx.db)
}

/** Takes the version rows of these lists, in order, until the commit; one alone is locked as it is raised. */
async function lockLists(tx: Tx, orgId: number, lists: ListKey[]): Promise<void> {
  if (!hasRowLocks(tx.db) || lists.length === 1) return
  await sql`
    /* lists.lock */
    select c.version from workspace_channels c
    where c.org_id = ${orgId} and (c.workspace_key, c.channel_key) in (
      select k.workspace_key, k.channel_key from ${listsTable(tx, lists)})
    order by c.workspace_key, c.channel_key for update`.execute(tx.db)
}

async function raiseLists(tx: Tx, orgId: number, lists: ListKey[]): Promise<void> {
  await sql`
    /* lists.raise */
    update workspace_channels set version = version + 1
    where org_id = ${orgId} and (workspace_key, channel_key) in (
      select k.workspace_key, k.channel_key from ${listsTable(tx, lists)})`.execute(tx.db)
}

function listsTable(tx: Tx, lists: ListKey[]) {
  const keys = lists.map(({ workspaceKey, channelKey }) => ({ workspace_key: workspaceKey, channel_key: channelKey }))
  return rowsTable(tx.db, 'k', { workspace_key: 'bigint', channel_key: 'bigint' }, keys)
}
