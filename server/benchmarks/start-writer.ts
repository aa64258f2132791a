import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { MadeList } from './made-list.ts'

/** Starts a process that reports purchases of a list's users. @returns what ends it, and says how many batches a second were durable */
export async function startWriter(
  env: Record<string, string>,
  list: MadeList,
): Promise<{ stop: () => Promise<number> }> {
  const child = fork(fileURLToPath(new URL('./purchase-writer.ts', import.meta.url)), [JSON.stringify(list)], {
    env: { ...process.env, ...env },
  })
  await once(child, 'message')
  const startedMs = performance.now()
  return {
    async stop() {
      child.send('how many')
      const [{ written }] = await once(child, 'message')
      const exit = once(child, 'exit')
      child.disconnect()
      await exit
      return (written * 1000) / (performance.now() - startedMs)
    },
  }
}
