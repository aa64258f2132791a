import { ListIndex } from './list-index.ts'

/** What a page of a list is asked by. `months` null: everybody; else only birthdays in these calendar months. */
export interface ListQuestion {
  orgId: number
  workspaceId: string
  mediumId: string
  months: 'any' | number | null
  limit: number
  offset: number
  /** whether the page tells the rows' LTVs too */
  withLtv?: boolean
  /** whether it tells where in the whole list the rows stand */
  withRanks?: boolean
}

/** Why there is no list, in the order in which the contract checks. */
export type NoList = 'unknown workspace' | 'not a VIP workspace' | 'unknown channel'

export interface ListPage {
  /** names the list and its version: the same means that the same question has the same answer */
  version: string
  total: number
  returned: number
  /** the rows' JSON texts, joined by commas, as UTF-8: never a string, so that a page is neither decoded nor encoded */
  items: Buffer
  /** the rows' LTVs in millionths, in their order; only where they were asked for */
  ltvs?: string[]
  /** 1-based, of each row in the whole list, whatever the filter; only where they were asked for */
  ranks?: number[]
  /** whether the next one who asks gets the same object, while the list is quiet */
  isKept: boolean
}

/** `'due'`: there is a list, but time alone may have changed who is in it; they have to be judged anew first. */
export type ListAnswer = NoList | 'due' | ListPage

/** The row that says whether there is a list, and which. */
export interface GateRow {
  workspace_key: number
  type: string
  generation: number
  channel_key: number | null
  version: number | null
  since_generation: number | null
  /** these two only from the whole gate */
  vip_indicator?: string | null
  due_timestamp?: number | null
}

export interface Gate {
  workspaceKey: number
  channelKey: number
  /**
   * Of the rows that are served: none has it while the list of a channel that was just connected is made. What an
   * earlier connection has left is nobody's list.
   */
  generation: number
  version: number
  /** epoch ms at which the first of the workspace's users has to be judged anew; infinity while time changes nobody */
  dueTimestamp: number
  /** whether the rule of this generation does not ask for the time, so that nobody is ever due */
  isTimeless: boolean
}

const gateSql = (more: string) => `
  select w.workspace_key, w.type, w.generation, c.channel_key, l.version, l.since_generation ${more}
  from workspaces w
    left join channels c on c.org_id = w.org_id and c.medium_id = $3
    left join workspace_channels l on l.org_id = w.org_id and l.workspace_key = w.workspace_key
      and l.channel_key = c.channel_key
  where w.org_id = $1 and w.workspace_id = $2`

export const GATE_SQL = gateSql(`, w.vip_indicator, (
    select m.due_timestamp from vip_marks m
    where m.org_id = w.org_id and m.workspace_key = w.workspace_key and m.generation = w.generation
      and m.due_timestamp is not null
    order by m.due_timestamp limit 1) as due_timestamp`)
/** For a generation that is known to be timeless: who asks each time saves a sixth. */
export const TIMELESS_GATE_SQL = gateSql('')

/** Of no list. */
const NOT_YET = -1

/** @see contract, "GET /vip-users": 404 before 400 */
export function gateOf(row: GateRow | undefined): Gate | NoList {
  if (!row) return 'unknown workspace'
  if (row.type !== 'VIP') return 'not a VIP workspace'
  if (row.channel_key === null || row.version === null || row.since_generation === null) return 'unknown channel'
  return {
    workspaceKey: row.workspace_key,
    channelKey: row.channel_key,
    generation: row.since_generation <= row.generation ? row.generation : NOT_YET,
    version: row.version,
    dueTimestamp: row.due_timestamp ?? Number.POSITIVE_INFINITY,
    // a condition has no other word for the time; a property's key may hold it too, which costs a look at the marks
    isTimeless: !row.vip_indicator?.includes('now'),
  }
}

export function gateId(question: ListQuestion): string {
  // an id may hold a blank, and no NUL
  return `${question.orgId}\0${question.workspaceId}\0${question.mediumId}`
}

/** Names a list and its version. */
export function versionOf(list: Gate): string {
  return `${list.workspaceKey}.${list.channelKey}.${list.version}`
}

export function pageId(question: ListQuestion, list: Gate): string {
  return `${question.orgId} ${versionOf(list)} ${question.months} ${question.limit} ${question.offset} ${question.withLtv ? 'ltv' : ''} ${question.withRanks ? 'ranks' : ''}`
}

/** A map that forgets what was used longest ago. */
export class Recent<K, V> {
  readonly #entries = new Map<K, V>()
  readonly #most: number

  constructor(most: number) {
    this.#most = most
  }

  get(key: K): V | undefined {
    const value = this.#entries.get(key)
    // far from full the order does not matter yet
    if (value !== undefined && this.#entries.size > this.#most / 2) {
      this.#entries.delete(key)
      this.#entries.set(key, value)
    }
    return value
  }

  delete(key: K): void {
    this.#entries.delete(key)
  }

  clear(): void {
    this.#entries.clear()
  }

  set(key: K, value: V): void {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    if (this.#entries.size > this.#most) {
      for (const oldest of this.#entries.keys()) {
        this.#entries.delete(oldest)
        return
      }
    }
  }
}

/** Pages of quiet lists that are kept, about 20 KB each for 50 rows. */
const MAX_PAGES = 500
/** A larger page is read anew each time, so that the pages kept stay under 32 MB. */
const MAX_PAGE_BYTES = 65_536
const MAX_GATES = 10_000
/** One of a million rows has a few MB, where ranks of all of them were asked for. */
const MAX_INDEXES = 200

/**
 * Pages of quiet lists. A page is kept when it is asked for a second time: to keep each page of who leafs through a list
 * takes longer than to read it.
 */
class KeptPages {
  readonly #pages = new Recent<string, ListPage | 'asked once'>(MAX_PAGES)

  get(id: string): ListPage | undefined {
    const known = this.#pages.get(id)
    return known === 'asked once' ? undefined : known
  }

  /** Takes note of a page that was read. */
  add(id: string, read: Omit<ListPage, 'isKept'>): ListPage {
    const isKept = this.#pages.get(id) !== undefined && read.items.length <= MAX_PAGE_BYTES
    const page = { ...read, isKept }
    this.#pages.set(id, isKept ? page : 'asked once')
    return page
  }
}

/** The counted ranges of lists, each as of the version in which it was last asked for. */
class KeptIndexes {
  readonly #indexes = new Recent<string, ListIndex>(MAX_INDEXES)

  /** What is known of the list in its version. */
  get(orgId: number, list: Gate): ListIndex | undefined {
    const known = this.#indexes.get(indexId(orgId, list))
    return known?.version === list.version && known.generation === list.generation ? known : undefined
  }

  /** The same, and where nothing is, an index that knows nothing yet. */
  getOrMake(orgId: number, list: Gate): ListIndex {
    const known = this.get(orgId, list)
    if (known) return known
    const index = new ListIndex(list)
    this.#indexes.set(indexId(orgId, list), index)
    return index
  }
}

const indexId = (orgId: number, list: Gate) => `${orgId} ${list.workspaceKey} ${list.channelKey}`

/** What a server keeps of lists between requests; each part is checked against the list's version before use. */
export function createListMemory() {
  return {
    gates: new Recent<string, Gate | NoList>(MAX_GATES),
    indexes: new KeptIndexes(),
    pages: new KeptPages(),
  }
}
