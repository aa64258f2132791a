import { isPostgres } from './dialect.ts'
import type { Tx } from './write.ts'

type Answers<S extends readonly (() => Promise<unknown>)[]> = { [N in keyof S]: Awaited<ReturnType<S[N]>> }

/**
 * Runs statements of which none needs another's answer, in this order. PostgreSQL is sent them at once, and a write does not
 * wait for each answer.
 *
 * @throws what the one that failed has thrown, after all have ended: nothing of them comes after the rollback
 */
export async function together<S extends readonly (() => Promise<unknown>)[]>(
  tx: Tx,
  ...statements: S
): Promise<Answers<S>> {
  const answers: Promise<unknown>[] = []
  for (const statement of statements) {
    const answer = statement()
    answers.push(answer)
    if (!isPostgres(tx.db)) await answer
  }
  const settled = await Promise.allSettled(answers)
  const failures = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
  if (failures.length > 0) throw failures.find(({ code }) => code !== ABORTED) ?? failures[0]
  // each answer is that of the statement in its place
  return (await Promise.all(answers)) as Answers<S>
}

/** Said of every statement after the one that failed. */
const ABORTED = '25P02'
