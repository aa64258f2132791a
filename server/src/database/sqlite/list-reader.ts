import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type ListIndex, matchesSql, type RangeRow, ROW_MONTH_SQL, type Seek } from '../list-index.ts'
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
  pageId,
  versionOf,
} from '../list-reader.ts'
import { createMapping } from './mapping.ts'

const OF_LIST = 'v.org_id = ?1 and v.workspace_key = ?2 and v.channel_key = ?3 and v.generation = ?4'
const FROM_KEY = '(v.negated_ltv_micros, v.conversation_id) >= (?5, ?6)'
const IN_ORDER = 'order by v.negated_ltv_micros, v.conversation_id'
const FILTERS = {
  all: '',
  birthday: 'and v.birthday_month is not null',
  month: 'and v.birthday_month = ?8',
}

/**
 * Reads lists with statements of its own on the thread's read connection, each run to its end.
 * While no other connection has committed (`data_version`), what is remembered is what the store holds.
 */
export function createListReader(database: DatabaseSync) {
  const mapping = createMapping(database)
  const dataVersion = database.prepare('pragma data_version')
  const gate = database.prepare(GATE_SQL.replaceAll('$', '?'))
  const rowMonths = database.prepare(ROW_MONTHS_SQL)
  const pages = preparePages(database)
  const rangesOf = prepareRanges(database)
  let seenVersion = -1
  const { gates, indexes, pages: remembered } = createListMemory()

  /** In a transaction it is the gate of the snapshot that the transaction reads from then on. */
  function readGate(question: ListQuestion) {
    const version = (dataVersion.get() as { data_version: number }).data_version
    if (version !== seenVersion) {
      gates.clear()
      seenVersion = version
    }
    const id = gateId(question)
    const known = gates.get(id)
    if (known !== undefined) return known
    const row = gate.get(question.orgId, question.workspaceId, question.mediumId)
    const found = gateOf(row as GateRow | undefined)
    gates.set(id, found)
    return found
  }

  /** It knows the ranges as the question's filter sees them. */
  function indexOf({ orgId, months }: ListQuestion, list: Gate): ListIndex {
    const index = indexes.getOrMake(orgId, list)
    if (!index.knowsRanges(months)) index.rememberRanges(months, rangesOf(orgId, list, months))
    return index
  }

  function readMonths(question: ListQuestion, list: Gate, index: ListIndex, atMost: number): void {
    const of = [question.orgId, list.workspaceKey, list.channelKey, list.generation]
    for (const unread of index.unread(question, atMost)) {
      const { firstNegatedLtvMicros, firstConversationId, count } = unread
      const found = rowMonths.get(...of, firstNegatedLtvMicros, firstConversationId, count)
      index.rememberMonths(unread, String(found?.months ?? ''))
    }
  }

  function readPage(question: ListQuestion, list: Gate): Omit<ListPage, 'version' | 'isKept'> {
    const index = indexOf(question, list)
    const total = index.total(question.months)
    const seek = index.seek(question.months, question.offset)
    if (!seek || question.limit === 0) return { total, returned: 0, items: NO_ITEMS }
    const ranks = question.withRanks ? { ranks: index.ranks(question) } : {}
    return { total, ...itemsFrom(pages, question, list, index, seek), ...ranks }
  }

  /** @param before for which version months were read, in a turn before this one, and how many at once */
  function read(
    question: ListQuestion,
    now: number,
    before?: { version: string; monthsAtOnce: number },
  ): ListAnswer | Promise<ListAnswer> {
    const quick = readGate(question)
    if (typeof quick === 'string') return quick
    if (quick.dueTimestamp <= now) return 'due'
    const id = pageId(question, quick)
    const known = remembered.get(id)
    if (known) return known
    mapping.noteRead(seenVersion)
    database.exec('begin')
    try {
      const list = readGate(question)
      if (typeof list === 'string') return list
      if (list.dueTimestamp <= now) return 'due'
      const version = versionOf(list)
      if (question.withRanks) {
        const index = indexOf(question, list)
        let { monthsAtOnce } = before ?? FIRST_TURN
        // what was read is of another version: whoever writes all the time is not to keep this page from being read
        if (before && before.version !== version) monthsAtOnce *= 2
        readMonths(question, list, index, monthsAtOnce)
        if (!index.knowsRanks(question)) return nextTurn().then(() => read(question, now, { version, monthsAtOnce }))
      }
      return remembered.add(pageId(question, list), { version, ...readPage(question, list) })
    } finally {
      database.exec('commit')
    }
  }

  return (question: ListQuestion, now = Number.NEGATIVE_INFINITY) => read(question, now)
}

/** So many rows' months are read in some ms; then others get their turn. */
const FIRST_TURN = { monthsAtOnce: 10_000 }

const NO_ITEMS = Buffer.alloc(0)

/** A list's ranges as a filter sees them; of a filter the statement is prepared when it is first asked for. */
function prepareRanges(database: DatabaseSync) {
  const statements = new Map<string, StatementSync>()
  return (orgId: number, list: Gate, months: ListQuestion['months']) => {
    const matches = matchesSql(months)
    const statement = statements.getOrInsertComputed(matches, () => {
      const made = database.prepare(`/* vip-user-ranges.list */
        select cast(r.first_negated_ltv_micros as text), r.first_conversation_id, r.row_count, ${matches}
        from vip_user_ranges r
        where r.org_id = ?1 and r.workspace_key = ?2 and r.channel_key = ?3 and r.generation = ?4
        order by r.first_negated_ltv_micros, r.first_conversation_id`)
      made.setReturnArrays(true)
      return made
    })
    // the statement returns arrays of its columns
    return statement.all(orgId, list.workspaceKey, list.channelKey, list.generation) as unknown as RangeRow[]
  }
}

type PageStatements = Record<string, { skip: StatementSync; page: StatementSync; ltvPage: StatementSync }>

/** As a sum: SQLite plans a statement anew each time its limit is another parameter's value, which takes longer than a page. */
const LIMIT = '?7 + 0'

/**
 * The statements of a page, by filter: where it begins, and its rows from there, put together as bytes. A subquery with
 * a limit hands its rows on in its own order.
 */
export const PAGE_SQL = Object.fromEntries(
  Object.entries(FILTERS).map(([name, filter]) => [
    name,
    {
      skip: `/* vip-users.skip */ select v.negated_ltv_micros as ltv, v.conversation_id as id from vip_users v
        where ${OF_LIST} and ${FROM_KEY} ${filter} ${IN_ORDER} limit 1 offset ?7`,
      page: `/* vip-users.page */ select cast(group_concat(p.row, ',') as blob), count(*) from (
        select v.row from vip_users v where ${OF_LIST} and ${FROM_KEY} ${filter} ${IN_ORDER} limit ${LIMIT}) p`,
      ltvPage: `/* vip-users.page */ select cast(group_concat(p.row, ',') as blob), count(*), group_concat(p.ltv) from (
        select v.row, -v.negated_ltv_micros as ltv from vip_users v
        where ${OF_LIST} and ${FROM_KEY} ${filter} ${IN_ORDER} limit ${LIMIT}) p`,
    },
  ]),
)

/** The birthday months of rows, as `ListIndex` remembers them. */
export const ROW_MONTHS_SQL = `/* vip-users.months */ select group_concat(p.month, '') as months from (
  select ${ROW_MONTH_SQL} as month from vip_users v where ${OF_LIST} and ${FROM_KEY} ${IN_ORDER} limit ${LIMIT}) p`

function preparePages(database: DatabaseSync): PageStatements {
  return Object.fromEntries(
    Object.entries(PAGE_SQL).map(([name, texts]) => {
      const page = database.prepare(texts.page)
      const ltvPage = database.prepare(texts.ltvPage)
      for (const statement of [page, ltvPage]) statement.setReturnArrays(true)
      const skip = database.prepare(texts.skip)
      skip.setReadBigInts(true)
      return [name, { skip, page, ltvPage }]
    }),
  )
}

function itemsFrom(
  pages: PageStatements,
  question: ListQuestion,
  list: Gate,
  index: ListIndex,
  seek: Seek,
): Pick<ListPage, 'returned' | 'items' | 'ltvs'> {
  const { months, offset } = question
  const filter = months === null ? 'all' : months === 'any' ? 'birthday' : 'month'
  const statements = pages[filter]
  if (!statements) return { returned: 0, items: NO_ITEMS }
  const of = [question.orgId, list.workspaceKey, list.channelKey, list.generation]
  const last = typeof months === 'number' ? [months] : []
  let from: [bigint, string] = [seek.firstNegatedLtvMicros, seek.firstConversationId]
  if (seek.skip > 0) {
    const key = statements.skip.get(...of, ...from, seek.skip, ...last) as { ltv: bigint; id: string } | undefined
    if (!key) throw new Error(`List ${list.workspaceKey}/${list.channelKey} has fewer rows than its ranges count`)
    from = [key.ltv, key.id]
    index.remember(months, { offset, negatedLtvMicros: key.ltv, conversationId: key.id })
  }
  // the statement returns arrays, and one row whatever there is; without rows the text is null
  const statement = question.withLtv ? statements.ltvPage : statements.page
  const [items, returned, ltvs] = statement.get(...of, ...from, question.limit, ...last) as unknown as [
    Uint8Array<ArrayBuffer> | null,
    number,
    string | null | undefined,
  ]
  return {
    returned,
    items: items ? Buffer.from(items.buffer, items.byteOffset, items.length) : NO_ITEMS,
    ...(ltvs ? { ltvs: ltvs.split(',') } : {}),
  }
}
