import type { ListPage, ListQuestion, NoList } from '../database/list-reader.ts'
import { errors } from '../http/errors.ts'
import { type Included, includeInItems } from './include.ts'

const NO_LIST = {
  'unknown workspace': errors.unknownWorkspace,
  'not a VIP workspace': errors.notAVipWorkspace,
  'unknown channel': errors.unknownChannel,
}

/**
 * What the store found of a list.
 *
 * @throws ApiError  404 `Unknown workspace`, 400 for a workspace or a channel without a list
 */
export function requireList<Found extends object>(answer: Found | NoList): Found {
  if (typeof answer === 'string') throw NO_LIST[answer]()
  return answer
}

/** Bodies of the pages that the store keeps, each with what was included. */
const bodies = new WeakMap<ListPage, { id: string; body: Buffer }>()

/**
 * The answer to a question of the list as JSON. The rows' bytes are put together, never parsed.
 *
 * @param included what each row is told with; left out: nothing
 * @see contract, "GET /vip-users" (Answers)
 */
export function pageBody(page: ListPage, { offset }: Pick<ListQuestion, 'offset'>, included?: Included): Buffer {
  const id = included ? `${offset} ${[...included.fields]} ${included.today} ${included.leapDay}` : `${offset}`
  const known = bodies.get(page)
  if (known?.id === id) return known.body
  const end = endOf(page, offset)
  const body = included
    ? Buffer.from(START + includeInItems(page, included) + end, 'latin1')
    : Buffer.concat([START_BYTES, page.items, Buffer.from(end)])
  if (page.isKept) bodies.set(page, { id, body })
  return body
}

const START = '{"items":['
const START_BYTES = Buffer.from(START)

function endOf({ returned, total }: ListPage, offset: number): string {
  const mayHaveMore = offset + returned < total
  const nextOffset = mayHaveMore ? offset + returned : null
  return (
    `],"returned":${returned},"total":${total},"mayHaveMore":${mayHaveMore},` +
    `"nextOffset":${nextOffset},"scanCapped":false}`
  )
}

/**
 * Whether an `If-None-Match` header names this strong tag: a list of tags, compared weakly, or `*`.
 *
 * @see RFC 9110, section 13.1.2
 */
export function isNoneMatch(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false
  if (header === etag || header.trim() === '*') return true
  return header.match(/"[^"]*"/g)?.includes(etag) ?? false
}
