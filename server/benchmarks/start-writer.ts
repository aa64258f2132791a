import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { MadeList } from './made-list.ts'

/**
 * Starts a process that reports purchases of a list's users.
 *
 * @returns what ends it, and says how many batches a second were durable
 */
export async function startWriter(
  env: Record<string, string>,
  list: MadeList,
): Promise<{ stop: () => Promise<number> }> {
  const child = fork(fileURLToPath(new URL('./purchase-writer.ts', import.meta.url)), [JSON.stringify(list)], {
    env: { ...process.env, ...env },
  })
  await answer(child)
  const startedMs = performance.now()
  return {
    async stop() {
      child.send('how many')
      const { written } = await answer(child)
      const exit = once(child, 'exit')
      child.disconnect()
      await exit
      return (written * 1000) / (performance.now() - startedMs)
    },
  }
}

async function answer(child: ChildProcess): Promise<{ written: number }> {
  const [message] = await Promise.race([once(child, 'message'), once(child, 'exit').then(() => [null])])
  if (message === null) throw new Error('The writer of purchases has stopped')
  return message
}
