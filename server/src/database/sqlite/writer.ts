import type { DatabaseSync } from 'node:sqlite'
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import type { WriterOptions, Writes } from '../write.ts'
import { createCheckpoints } from './checkpoints.ts'
import { BUSY_TIMEOUT_MS, openConnection, type SqliteConnection } from './connection.ts'
import { isBusy, storeError } from './store-error.ts'

/** Writes that wait are committed together until this much time has gone into the group. */
const GROUP_MS = 20

/**
 * Of every page that a statement changes SQLite keeps what was there, to undo the statement alone: from 64 KiB on in a
 * temporary file, for a batch that is spread over a large table some 500 pages of it.
 */
const KEEP_UNDO_IN_MEMORY = 'pragma temp_store = memory'

/**
 * So often a group looks whether another process has ended its write. SQLite's own waiting looks ever more rarely, at last
 * ten times a second, and misses the moments that a process leaves between its chunks.
 */
const LOOK_MS = 2
const NO_WAITING = 'pragma busy_timeout = 0'

interface Waiting {
  name: string
  args: unknown
  resolve: (result: unknown) => void
  reject: (error: unknown) => void
}

/** Of a group of which nothing is stored. */
interface Failure {
  group: Waiting[]
  answer: unknown
}

/**
 * The store's one writer: runs one write to its end before the next, each in a savepoint, and commits what waits
 * together. Nobody is answered before the commit has returned.
 */
export function createSqliteWriter(path: string, writes: Writes, options: WriterOptions) {
  const connection = openConnection(path)
  connection.database.exec(`${KEEP_UNDO_IN_MEMORY}; ${NO_WAITING}`)
  const checkpoints = createCheckpoints(connection.database, path)
  const waiting: Waiting[] = []
  let running: Promise<void> | undefined

  async function drain(): Promise<void> {
    let isAgain = false
    while (waiting.length > 0) {
      const failure = await commitGroup(connection, waiting, writes, options)
      // the file may have room where the WAL has none: what the WAL holds is moved, and the group is tried once more
      isAgain = failure !== null && !isAgain && (await checkpoints.makeRoom())
      if (isAgain && failure) waiting.unshift(...failure.group)
      else if (failure) for (const { reject } of failure.group) reject(failure.answer)
      // lets the answers out, and what arrived meanwhile join the next group
      await nextTurn()
      checkpoints.move()
    }
    running = undefined
  }

  return {
    write: (name: string, args: unknown) =>
      new Promise<unknown>((resolve, reject) => {
        waiting.push({ name, args, resolve, reject })
        running ??= drain()
      }),
    async close() {
      await running
      await checkpoints.close()
      connection.database.close()
    },
  }
}

async function begin(database: DatabaseSync): Promise<void> {
  const until = performance.now() + BUSY_TIMEOUT_MS
  for (;;) {
    try {
      database.exec('begin immediate')
      return
    } catch (error) {
      if (!isBusy(error) || performance.now() > until) throw error
    }
    await pause(LOOK_MS)
  }
}

async function commitGroup(
  { database, db }: SqliteConnection,
  waiting: Waiting[],
  writes: Writes,
  options: WriterOptions,
): Promise<Failure | null> {
  const group: Waiting[] = []
  const answers: (() => void)[] = []
  try {
    await begin(database)
    const started = performance.now()
    const tx = { db, now: Date.now(), isAgain: false, ...options }
    for (
      let next = waiting.shift();
      next;
      next = performance.now() - started < GROUP_MS ? waiting.shift() : undefined
    ) {
      const { name, args, resolve, reject } = next
      group.push(next)
      database.exec('savepoint one')
      try {
        const write = writes[name]
        if (!write) throw new Error(`No write named ${name}`)
        const result = await write(tx, args)
        answers.push(() => resolve(result))
      } catch (error) {
        // SQLite rolls back by itself where it is full or cannot read or write: then nothing of the group is left
        if (!database.isTransaction) throw error
        database.exec('rollback to one')
        answers.push(() => reject(storeError(error)))
      }
      database.exec('release one')
    }
    database.exec('commit')
  } catch (error) {
    if (database.isTransaction) database.exec('rollback')
    const answer = storeError(error)
    if (group.length > 0) return { group, answer }
    // another process writes for too long, or the file cannot be read
    for (const { reject } of waiting.splice(0)) reject(answer)
    return null
  }
  for (const answer of answers) answer()
  return null
}
