import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { makeLists } from '../src/vip-users/make-lists.ts'
import { openFrom } from './bench-stores.ts'
import { type MadeList, ruleOf } from './made-list.ts'

interface Marked {
  seconds: number
  /** users who are VIP by the new rule */
  vips: number
  /** the most that was resident, MiB */
  peakMiB: number
}

const LOOK_AT_MEMORY_MS = 10

/** Marks a list's users anew, as `dynamo workspace set` does: from a process of its own, beside the server. */
export async function mark(env: Record<string, string>, list: MadeList, vipShare: number): Promise<Marked> {
  const args = [fileURLToPath(import.meta.url), JSON.stringify(list), `${vipShare}`]
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, ...env } })
  return JSON.parse(stdout)
}

if (import.meta.main) {
  const { orgId, workspaceKey }: MadeList = JSON.parse(process.argv[2] ?? '')
  const vipIndicator = ruleOf(Number(process.argv[3]))
  let peak = 0
  const looking = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss())
  }, LOOK_AT_MEMORY_MS)
  const startedMs = performance.now()
  const { store } = await openFrom(process.env as Record<string, string>, { writerThread: false })
  await store.write('setVipIndicator', { orgId, workspaceKey, vipIndicator })
  const verdicts = await makeLists(store, { orgId, workspaceKey }, { considerate: true })
  const seconds = (performance.now() - startedMs) / 1000
  clearInterval(looking)
  await store.close()
  const marked: Marked = { seconds, vips: verdicts?.vip ?? 0, peakMiB: peak / 2 ** 20 }
  process.stdout.write(JSON.stringify(marked))
}
