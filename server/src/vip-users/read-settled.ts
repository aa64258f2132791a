import type { ListAnswer, ListQuestion } from '../database/list-reader.ts'
import type { Store } from '../database/store.ts'
import { ApiError, errors } from '../http/errors.ts'
import { settleWorkspace } from './settle-due.ts'

export type SettledAnswer = Exclude<ListAnswer, 'due'>
/** For so long a question waits for one write. While writes wait longer, lists are shown as they stand. */
const PATIENCE_MS = 1_000

type SettledReader = (question: ListQuestion, now: number) => SettledAnswer | Promise<SettledAnswer>

/**
 * Reads lists as they are at the time of the question: whoever is due in the workspace is judged anew first. A list
 * that time does not change costs a comparison; those who ask for one that it does share the work.
 */
export function createSettledReader(store: Pick<Store, 'readList' | 'write'>): SettledReader {
  const settling = new Map<string, Promise<number>>()
  /** whose last write still waits */
  const stuck = new Set<string>()

  function settlePatiently({ orgId, workspaceId }: ListQuestion, id: string): Promise<number> {
    return settleWorkspace(async () => {
      const writing = store.write('settleDue', { orgId, workspaceId })
      if (!(await isLaterThan(writing, PATIENCE_MS))) return await writing
      stuck.add(id)
      writing.catch(() => undefined).finally(() => stuck.delete(id))
      throw errors.storeBusy(new Error('A write waits for longer than a question does'))
    })
  }

  async function settle(question: ListQuestion): Promise<'all' | 'some'> {
    const id = `${question.orgId} ${question.workspaceId}`
    if (stuck.has(id)) return 'all'
    const running = settling.get(id)
    if (running) {
      // it may have begun before the latest of those who are due for us
      await running
      return 'some'
    }
    const own = settlePatiently(question, id).finally(() => settling.delete(id))
    settling.set(id, own)
    return (await own) === 0 ? 'all' : 'some'
  }

  async function readDue(question: ListQuestion, now: number): Promise<SettledAnswer> {
    for (;;) {
      const isSettled = (await settleWherePossible(settle(question))) === 'all'
      const answer = await (isSettled ? store.readList(question) : store.readList(question, now))
      if (answer !== 'due') return answer
    }
  }

  return (question, now) => {
    const answer = store.readList(question, now)
    if (answer === 'due') return readDue(question, now)
    if (!(answer instanceof Promise)) return answer
    return answer.then((late) => (late === 'due' ? readDue(question, now) : late))
  }
}

/** Reads go on while the store takes no more writes: the list is then shown as it stands. */
async function settleWherePossible(settling: Promise<'all' | 'some'>): Promise<'all' | 'some'> {
  try {
    return await settling
  } catch (error) {
    if (error instanceof ApiError) return 'all'
    throw error
  }
}

async function isLaterThan(work: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<true>((resolve) => {
    timer = setTimeout(resolve, ms, true)
  })
  const done = work.then(
    () => false,
    () => false,
  )
  return await Promise.race([done, late]).finally(() => clearTimeout(timer))
}
