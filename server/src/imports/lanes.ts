import { compareTexts } from '../text-order.ts'
import type { ImportKind } from './kind.ts'

interface Entry<Fact> {
  fact: Fact
}

/**
 * Splits chunks into parts for lanes, each of which writes its parts one after the other. Rows that may contradict each
 * other, those with one id, go into one lane while the first of them is not written; and each user's rows mostly, whose
 * lock the lanes would wait for. A part is in the order of its ids, in which the store writes them: put so here, while it
 * still writes others.
 */
export function createLanes<Fact>({ partBy }: Pick<ImportKind<Fact>, 'partBy'>, count: number) {
  /** for each chunk that is not written yet, the lane of each id */
  const unwritten = new Set<Map<string, number>>()

  return {
    /** @returns a part for each lane; the caller says when all of them are written */
    split<E extends Entry<Fact>>(entries: E[]): { parts: E[][]; written: () => void } {
      if (!partBy) return { parts: [entries], written: () => undefined }
      const { id, user } = partBy
      const inOrder = (part: E[]) => part.sort((one, other) => compareTexts(id(one.fact), id(other.fact)))
      if (count === 1) return { parts: [inOrder([...entries])], written: () => undefined }
      const parts = Array.from({ length: count }, (): E[] => [])
      const laneOf = new Map<string, number>()
      unwritten.add(laneOf)
      for (const entry of entries) {
        const lane = laneOfId(id(entry.fact)) ?? laneOfUser(user(entry.fact))
        laneOf.set(id(entry.fact), lane)
        const part = parts[lane]
        if (!part) throw new Error(`There is no lane ${lane}`)
        part.push(entry)
      }
      return { parts: parts.map(inOrder), written: () => unwritten.delete(laneOf) }
    },
  }

  function laneOfId(id: string): number | undefined {
    for (const laneOf of unwritten) {
      const lane = laneOf.get(id)
      if (lane !== undefined) return lane
    }
    return undefined
  }

  function laneOfUser(cuid: string): number {
    let hash = 0
    for (let index = 0; index < cuid.length; index++) hash = (Math.imul(hash, 31) + cuid.charCodeAt(index)) >>> 0
    return ((hash ^ (hash >>> 16)) >>> 0) % count
  }
}
