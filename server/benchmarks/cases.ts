import { sign } from '../test/signed.ts'
import type { MadeList } from './made-list.ts'

export const LIMIT = 50
/** How far people leaf. */
const FIRST_OFFSETS = 10_000

/** What is asked of a list: how the address of one more request is made, and whether purchases arrive meanwhile. */
export interface Case {
  name: string
  /** @param monthTotals  how many birthdays the list has in each month, January first */
  address: (list: MadeList, monthTotals: number[]) => string
  isWriting?: boolean
}

const below = (end: number) => Math.floor(Math.random() * end)

export const CASES: Case[] = [
  { name: '(b) first page', address: (list) => pageOf(list) },
  { name: '(c) pages in the first 10,000', address: nearPage },
  { name: '(d) pages anywhere', address: (list) => pageOf(list, `&offset=${below(list.rows)}`) },
  {
    name: '(e) pages of a birthday month',
    address(list, monthTotals) {
      const month = 1 + below(12)
      const offset = below(Math.min(monthTotals[month - 1] ?? 0, FIRST_OFFSETS))
      return pageOf(list, `&birthdayMonth=${month}&offset=${offset}`)
    },
  },
  { name: '(b) while purchases arrive', address: (list) => pageOf(list), isWriting: true },
]

export function pageOf({ workspaceId, mediumId }: MadeList, more = ''): string {
  return `/vip-users?workspaceId=${workspaceId}&mediumId=${mediumId}&limit=${LIMIT}${more}`
}

export function nearPage(list: MadeList): string {
  return pageOf(list, `&offset=${below(Math.min(list.rows, FIRST_OFFSETS))}`)
}

/** @throws where the answer is no page */
export async function ask(baseUrl: string, list: MadeList, address: string): Promise<string> {
  const answer = await fetch(baseUrl + address, { headers: sign(list, new Date().toISOString()) })
  const body = await answer.text()
  if (!answer.ok) throw new Error(`${answer.status} ${body}`)
  return body
}

export async function askMonthTotals(baseUrl: string, list: MadeList): Promise<number[]> {
  const totals: number[] = []
  for (let month = 1; month <= 12; month++) {
    totals.push(JSON.parse(await ask(baseUrl, list, pageOf(list, `&birthdayMonth=${month}`))).total)
  }
  return totals
}
