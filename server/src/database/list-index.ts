import type { Gate, ListQuestion } from './list-reader.ts'

type Months = ListQuestion['months']

/** A stored range as a filter sees it: the key with which it begins, its rows, and those of them that match. */
export type RangeRow = [firstNegatedLtvMicros: string, firstConversationId: string, rows: number, matches: number]

/** How many rows of a range `r` match a filter. */
export function matchesSql(months: Months): string {
  if (months === null) return 'r.row_count'
  return months === 'any' ? EACH_MONTH.join(' + ') : `r.month_${months}`
}

const EACH_MONTH = Array.from({ length: 12 }, (_, index) => `r.month_${index + 1}`)

/** Where a page begins: a key before it or its own, and how many matches lie between. */
export interface Seek {
  firstNegatedLtvMicros: bigint
  firstConversationId: string
  skip: number
}

/** Keys that pages began with are remembered this far apart, so that the next page skips few rows of its range. */
const PLACE_ROWS = 128
/** Of one list, a filter's counted too: all that a million rows need, in 2 MB. */
const MAX_PLACES = 10_000

interface Place {
  offset: number
  negatedLtvMicros: bigint
  conversationId: string
}

/** A character for each month, and for none: a byte a row. */
const MONTH_CHARACTERS = '0123456789ABC'
const NO_MONTH = MONTH_CHARACTERS.charCodeAt(0)
export const ROW_MONTH_SQL = `substr('${MONTH_CHARACTERS}', cast(coalesce(v.birthday_month, 0) + 1 as integer), 1)`

type PageOfFilter = Pick<ListQuestion, 'months' | 'offset' | 'limit'>

/** Rows of a list from this key on. */
interface UnreadRows {
  firstNegatedLtvMicros: bigint
  firstConversationId: string
  count: number
  /** the numbers of the ranges that they are */
  ranges: number[]
}

/** A list's counted ranges at one version, with running sums, so that any offset is a binary search. */
export class ListIndex {
  readonly version: number
  readonly generation: number
  #ranges: RangeRow[] = []
  /** the birthday months of a range's rows, where ranks were asked for: a byte a row */
  readonly #rowMonths = new Map<number, string>()
  readonly #sums = new Map<Months, Float64Array>()
  readonly #places = new Map<Months, Map<number, Place>>()
  #placeCount = 0

  constructor(gate: Gate) {
    this.version = gate.version
    this.generation = gate.generation
  }

  /** Whether it was told how many rows of each range match this filter; nothing else is asked about it before. */
  knowsRanges(months: Months): boolean {
    return this.#sums.has(months)
  }

  /** @param ranges all of the list in this version, in its order, as this filter sees them */
  rememberRanges(months: Months, ranges: RangeRow[]): void {
    this.#ranges = ranges
    const counts = (column: 2 | 3) => ranges.map((range) => range[column])
    this.#sums.set(null, sumUp(counts(2)))
    if (months !== null) this.#sums.set(months, sumUp(counts(3)))
  }

  total(months: Months): number {
    return this.#sumsOf(months).at(-1) ?? 0
  }

  /** null where the offset lies past the end */
  seek(months: Months, offset: number): Seek | null {
    const low = this.#rangeAt(months, offset)
    const range = this.#ranges[low]
    if (!range) return null
    const rangeOffset = this.#matchesBefore(months, low)
    const place = this.#placeBefore(months, offset, rangeOffset)
    return {
      firstNegatedLtvMicros: place?.negatedLtvMicros ?? BigInt(range[0]),
      firstConversationId: place?.conversationId ?? range[1],
      skip: offset - (place?.offset ?? rangeOffset),
    }
  }

  /**
   * The rows whose months have to be told before `ranks` is asked about a page of this filter: of each range that has
   * matches of the page and was not read yet; such as follow each other are read at once.
   *
   * @param atMost so many rows, or one range; the others are told once these were read
   */
  unread({ months, offset, limit }: PageOfFilter, atMost: number): UnreadRows[] {
    if (months === null) return []
    const unread: UnreadRows[] = []
    let previous = -1
    let rows = 0
    for (const index of this.#rangesOf(months, offset, limit)) {
      const range = this.#ranges[index]
      if (!range || this.#rowMonths.has(index)) continue
      const [ltv, firstConversationId, count] = range
      rows += count
      if (rows > atMost && unread.length > 0) break
      const last = unread.at(-1)
      if (last && previous === index - 1) {
        last.ranges.push(index)
        last.count += count
      } else unread.push({ firstNegatedLtvMicros: BigInt(ltv), firstConversationId, count, ranges: [index] })
      previous = index
    }
    return unread
  }

  /** Whether `ranks` can tell where the rows of a page stand. */
  knowsRanks(page: PageOfFilter): boolean {
    return this.unread(page, 0).length === 0
  }

  /** @param rowMonths of these rows in their order, as `ROW_MONTH_SQL` writes each */
  rememberMonths({ ranges, count }: UnreadRows, rowMonths: string): void {
    if (rowMonths.length !== count) throw new Error(`${rowMonths.length} rows are where ranges count ${count}`)
    let begin = 0
    for (const index of ranges) {
      const end = begin + (this.#ranges[index]?.[2] ?? 0)
      this.#rowMonths.set(index, rowMonths.slice(begin, end))
      begin = end
    }
  }

  /** Where in the whole list the rows of a page stand, 1-based. It `knowsRanks`. */
  ranks({ months, offset, limit }: PageOfFilter): number[] {
    const count = Math.min(limit, Math.max(0, this.total(months) - offset))
    if (months === null) return Array.from({ length: count }, (_, index) => offset + index + 1)
    const wanted = months === 'any' ? null : MONTH_CHARACTERS.charCodeAt(months)
    const ranks: number[] = []
    for (const index of this.#rangesOf(months, offset, limit)) {
      const rowMonths = this.#rowMonths.get(index)
      if (rowMonths === undefined) throw new Error('The months of a page were not read')
      const before = this.#matchesBefore(null, index)
      let match = this.#matchesBefore(months, index)
      for (let row = 0; row < rowMonths.length && ranks.length < count; row++) {
        const month = rowMonths.charCodeAt(row)
        if (wanted === null ? month === NO_MONTH : month !== wanted) continue
        if (match >= offset) ranks.push(before + row + 1)
        match += 1
      }
    }
    return ranks
  }

  /** The numbers of the ranges that have matches of a page. */
  *#rangesOf(months: Months, offset: number, limit: number): Generator<number> {
    const sums = this.#sumsOf(months)
    const end = Math.min(offset + limit, this.total(months))
    for (let index = this.#rangeAt(months, offset); this.#matchesBefore(months, index) < end; index++) {
      if (this.#matchesBefore(months, index) < (sums[index] ?? 0)) yield index
    }
  }

  /** The number of the range that has the match at this offset; past the last where none has it. */
  #rangeAt(months: Months, offset: number): number {
    const sums = this.#sumsOf(months)
    let low = 0
    let high = sums.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((sums[middle] ?? 0) > offset) high = middle
      else low = middle + 1
    }
    return low
  }

  #matchesBefore(months: Months, index: number): number {
    return index === 0 ? 0 : (this.#sumsOf(months)[index - 1] ?? 0)
  }

  /** Remembers that the match at `offset` has this key, in this version of the list. */
  remember(months: Months, place: Place): void {
    const places = this.#places.getOrInsertComputed(months, () => new Map())
    const step = Math.floor(place.offset / PLACE_ROWS)
    const known = places.get(step)
    if (known ? known.offset <= place.offset : this.#placeCount === MAX_PLACES) return
    places.set(step, place)
    if (!known) this.#placeCount += 1
  }

  /** The last place known in the range up to `offset`. */
  #placeBefore(months: Months, offset: number, rangeOffset: number): Place | undefined {
    const places = this.#places.get(months)
    if (!places) return undefined
    for (let step = Math.floor(offset / PLACE_ROWS); (step + 1) * PLACE_ROWS > rangeOffset; step--) {
      const place = places.get(step)
      if (place && place.offset <= offset) return place.offset > rangeOffset ? place : undefined
    }
    return undefined
  }

  #sumsOf(months: Months): Float64Array {
    const sums = this.#sums.get(months)
    if (!sums) throw new Error('The ranges of a page were not read')
    return sums
  }
}

function sumUp(counts: number[]): Float64Array {
  const sums = new Float64Array(counts.length)
  let sum = 0
  for (const [index, count] of counts.entries()) {
    sum += count
    sums[index] = sum
  }
  return sums
}
