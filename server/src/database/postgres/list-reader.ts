import type pg from 'pg'
import { type ListIndex, matchesSql, type RangeRow, ROW_MONTH_SQL } from '../list-index.ts'
import {
  createListMemory,
  GATE_SQL,
  type Gate,
  type GateRow,
  gateId,
  gateOf,
  type ListAnswer,
  type ListPage,
  type ListQuestion,
  type NoList,
  pageId,
  TIMELESS_GATE_SQL,
  versionOf,
} from '../list-reader.ts'

const OF_LIST = 'v.org_id = $1 and v.workspace_key = $4 and v.channel_key = $5 and v.generation = $6'
const FROM_FIRST = '(v.negated_ltv_micros, v.conversation_id) >= ($7, $8)'
const FROM_START = '(v.negated_ltv_micros, v.conversation_id) >= (s.negated_ltv_micros, s.conversation_id)'
const IN_ORDER = 'order by v.negated_ltv_micros, v.conversation_id'
export const FILTERS = {
  all: '',
  birthday: 'and v.birthday_month is not null',
  month: 'and v.birthday_month = $11',
}

/** Gate and page in one statement, so that both are of one snapshot: the page is a guess that the gate confirms. */
export const pageSql = (filter: string, gateSql: string, withLtv = false) => `/* vip-users.page */
  with start as materialized (
    select v.negated_ltv_micros, v.conversation_id from vip_users v
    where ${OF_LIST} and ${FROM_FIRST} ${filter} ${IN_ORDER} limit 1 offset $9)
  select g.*, p.items, p.returned, ${withLtv ? 'p.ltvs,' : ''} f.negated_ltv_micros::text as first_ltv, f.conversation_id as first_id
  from (${gateSql}) g
    left join start f on true
    cross join (
      select string_agg(r.row, ',') as items, count(*) as returned
        ${withLtv ? ", string_agg((-r.negated_ltv_micros)::text, ',') as ltvs" : ''}
      from start s cross join lateral (
        select v.row ${withLtv ? ', v.negated_ltv_micros' : ''} from vip_users v
        where ${OF_LIST} and ${FROM_START} ${filter} ${IN_ORDER} limit $10) r) p`

/** Gate, and ranges as a filter sees them, in one statement: the ranges in list order; null where there are none. */
const listSql = (months: ListQuestion['months']) => `/* vip-users.list */
  select g.*, (
    select json_agg(json_build_array(
      r.first_negated_ltv_micros::text, r.first_conversation_id, r.row_count, ${matchesSql(months)})
      order by r.first_negated_ltv_micros, r.first_conversation_id)
    from vip_user_ranges r
    where r.org_id = $1 and r.workspace_key = g.workspace_key and r.channel_key = g.channel_key
      and r.generation = g.generation and g.since_generation <= g.generation) as ranges
  from (${GATE_SQL}) g`

type ListRow = GateRow & { ranges: RangeRow[] | null }

/** The birthday months of rows, as `ListIndex` remembers them. */
export const ROW_MONTHS_SQL = `/* vip-users.months */
  select string_agg(r.month, '') as months from (
    select ${ROW_MONTH_SQL} as month from vip_users v
    where v.org_id = $1 and v.workspace_key = $2 and v.channel_key = $3 and v.generation = $4
      and (v.negated_ltv_micros, v.conversation_id) >= ($5, $6)
    ${IN_ORDER} limit $7) r`

type PageRow = GateRow & {
  items: string | null
  returned: number
  ltvs?: string | null
  first_ltv: string | null
  first_id: string | null
}

/** Before a list is read in a transaction: who writes all the time is not to keep others from reading. */
const MAX_GUESSES = 2

/**
 * Reads lists in one round trip: the statement takes the page where the remembered ranges put it, and answers the
 * list's version too. Where that has moved on, the ranges are read anew, once for all who ask meanwhile.
 */
export function createListReader(pool: pg.Pool) {
  const { gates, indexes, pages } = createListMemory()
  const loading = new Map<string, Promise<void>>()

  async function readGate(question: ListQuestion, isTimeless: boolean) {
    const { rows } = await pool.query<GateRow>({
      name: isTimeless ? 'vip-users.gate.timeless' : 'vip-users.gate',
      text: isTimeless ? TIMELESS_GATE_SQL : GATE_SQL,
      values: [question.orgId, question.workspaceId, question.mediumId],
    })
    return gateOf(rows[0])
  }

  /** Gate and ranges of one snapshot; the ranges as the question's filter sees them. */
  async function readList(client: pg.Pool | pg.PoolClient, question: ListQuestion) {
    const { months } = question
    const { rows } = await client.query<ListRow>({
      name: `vip-users.list.${months}`,
      text: listSql(months),
      values: [question.orgId, question.workspaceId, question.mediumId],
    })
    const list = gateOf(rows[0])
    if (typeof list === 'string') return list
    gates.set(gateId(question), list)
    const index = indexes.getOrMake(question.orgId, list)
    if (!index.knowsRanges(months)) index.rememberRanges(months, rows[0]?.ranges ?? [])
    return { list, index }
  }

  /** What is read may be old for who comes while it is: a guess finds out. */
  async function load(question: ListQuestion): Promise<void> {
    const id = `${gateId(question)} ${question.months}`
    await loading.getOrInsertComputed(id, async () => {
      try {
        await readList(pool, question)
      } finally {
        loading.delete(id)
      }
    })
  }

  /** The page as the remembered ranges see it, or nothing where they are not the store's. */
  async function guess(question: ListQuestion, now: number): Promise<ListAnswer | undefined> {
    const list = gates.get(gateId(question))
    if (!list || typeof list === 'string') return undefined
    const known = pages.get(pageId(question, list))
    if (known) return confirm(await readGate(question, list.isTimeless), list, now, () => known)
    const index = indexes.get(question.orgId, list)
    if (!index?.knowsRanges(question.months)) return undefined
    if (question.withRanks && !index.knowsRanks(question)) return undefined
    const row = await readRows(pool, question, list, index)
    const gate = row ? gateOf(row) : await readGate(question, list.isTimeless)
    return confirm(gate, list, now, () => remember(question, list, index, row))
  }

  function remember(question: ListQuestion, list: Gate, index: ListIndex, row: Partial<PageRow> | undefined): ListPage {
    const { months, offset } = question
    if (row?.first_ltv && row.first_id) {
      const [negatedLtvMicros, conversationId] = [BigInt(row.first_ltv), row.first_id]
      index.remember(months, { offset, negatedLtvMicros, conversationId })
    }
    return pages.add(pageId(question, list), {
      version: versionOf(list),
      total: index.total(months),
      returned: row?.returned ?? 0,
      items: Buffer.from(row?.items ?? ''),
      ...(row?.ltvs ? { ltvs: row.ltvs.split(',') } : {}),
      ...(question.withRanks ? { ranks: index.ranks(question) } : {}),
    })
  }

  async function readAnew(client: pg.PoolClient, question: ListQuestion, now: number): Promise<ListAnswer> {
    const found = await readList(client, question)
    if (typeof found === 'string') return found
    const { list, index } = found
    if (list.dueTimestamp <= now) return 'due'
    if (question.withRanks) await readMonths(client, question, list, index)
    return remember(question, list, index, await readRows(client, question, list, index))
  }

  async function readInTransaction(question: ListQuestion, now: number): Promise<ListAnswer> {
    const client = await pool.connect()
    try {
      await client.query('begin isolation level repeatable read read only')
      const page = await readAnew(client, question, now)
      // it has only read: nobody waits for its end
      client.query('commit').then(
        () => client.release(),
        (error) => client.release(error),
      )
      return page
    } catch (error) {
      client.release(error as Error)
      throw error
    }
  }

  return async (question: ListQuestion, now = Number.NEGATIVE_INFINITY): Promise<ListAnswer> => {
    for (let guesses = 1; ; guesses++) {
      const answer = await guess(question, now)
      if (answer) return answer
      // ranks are of more than one statement
      if (question.withRanks || guesses === MAX_GUESSES) return await readInTransaction(question, now)
      await load(question)
    }
  }
}

/** How many rows' months one statement reads. */
const MONTHS_AT_ONCE = 10_000

async function readMonths(client: pg.PoolClient, question: ListQuestion, list: Gate, index: ListIndex): Promise<void> {
  const { orgId } = question
  const { workspaceKey, channelKey, generation } = list
  while (!index.knowsRanks(question)) {
    for (const unread of index.unread(question, MONTHS_AT_ONCE)) {
      const { firstNegatedLtvMicros, firstConversationId, count } = unread
      const { rows } = await client.query<{ months: string | null }>({
        name: 'vip-users.months',
        text: ROW_MONTHS_SQL,
        values: [orgId, workspaceKey, channelKey, generation, firstNegatedLtvMicros, firstConversationId, count],
      })
      index.rememberMonths(unread, rows[0]?.months ?? '')
    }
  }
}

async function readRows(
  client: pg.Pool | pg.PoolClient,
  question: ListQuestion,
  list: Gate,
  index: ListIndex,
): Promise<PageRow | undefined> {
  const { months } = question
  const seek = index.seek(months, question.offset)
  if (!seek) return undefined
  const filter = months === null ? 'all' : months === 'any' ? 'birthday' : 'month'
  const { rows } = await client.query<PageRow>({
    name: `vip-users.page.${filter}${list.isTimeless ? '.timeless' : ''}${question.withLtv ? '.ltv' : ''}`,
    text: pageSql(FILTERS[filter], list.isTimeless ? TIMELESS_GATE_SQL : GATE_SQL, question.withLtv),
    values: [
      question.orgId,
      question.workspaceId,
      question.mediumId,
      list.workspaceKey,
      list.channelKey,
      list.generation,
      seek.firstNegatedLtvMicros,
      seek.firstConversationId,
      seek.skip,
      question.limit,
      ...(typeof months === 'number' ? [months] : []),
    ],
  })
  return rows[0]
}

/** The page that was guessed, where the gate says that the list is still the remembered one. */
function confirm(current: Gate | NoList, remembered: Gate, now: number, page: () => ListPage): ListAnswer | undefined {
  if (typeof current === 'string') return current
  // of another generation the rule has to be looked at first
  if (!sameList(current, remembered)) return undefined
  return current.dueTimestamp <= now ? 'due' : page()
}

const sameList = (one: Gate, other: Gate) => versionOf(one) === versionOf(other) && one.generation === other.generation
