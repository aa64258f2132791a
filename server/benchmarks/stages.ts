import { nearPage, pageOf } from './cases.ts'
import { median, toTable } from './figures.ts'
import { load } from './load.ts'
import type { MadeList } from './made-list.ts'
import { startScript } from './servers.ts'
import { STAGES } from './stage-server.ts'

interface Options {
  env: Record<string, string>
  list: MadeList
  rounds: number
  /** for temporary files */
  folder: string
  /** a file with the bytes of one page */
  pagePath: string
}

/** Until the code is compiled; not measured. */
const WARM_UP_SECONDS = 1
/** Processor time varies less than the time of day does. */
const SECONDS = 2

/**
 * The processor time that a request takes, by the stages that the server has: what a stage costs is the difference.
 *
 * @returns a table in Markdown, in microseconds a request
 */
export async function measureStages({ env, list, rounds, folder, pagePath }: Options): Promise<string> {
  const times = new Map<string, { first: number[]; near: number[] }>()
  for (let round = 0; round < rounds; round++) {
    for (const stage of ['bare server', ...STAGES]) {
      const server =
        stage === 'bare server'
          ? await startScript('./bare-server.ts', [pagePath])
          : await startScript('./stage-server.ts', [stage, pagePath], env)
      const microsOf = async (address: () => string) => {
        await load(server.baseUrl, list, address, { folder, seconds: WARM_UP_SECONDS })
        await server.takenMicros()
        const { requests } = await load(server.baseUrl, list, address, { folder, seconds: SECONDS })
        return (await server.takenMicros()) / requests
      }
      const time = times.getOrInsertComputed(stage, () => ({ first: [], near: [] }))
      time.first.push(await microsOf(() => pageOf(list)))
      time.near.push(await microsOf(() => nearPage(list)))
      await server.stop()
    }
  }
  let before = { first: 0, near: 0 }
  const rows = [...times].map(([stage, time]) => {
    const now = { first: median(time.first), near: median(time.near) }
    const cells = [now.first, now.first - before.first, now.near, now.near - before.near]
    before = now
    return [stage, ...cells.map((micros) => micros.toFixed(1))]
  })
  return toTable(['up to and with', '(b) µs', 'adds', '(c) µs', 'adds'], rows)
}
