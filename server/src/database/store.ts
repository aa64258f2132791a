import type { Kysely } from 'kysely'
import type { Writes as AllWrites } from '../writes.ts'
import type { ListAnswer, ListQuestion } from './list-reader.ts'
import type { Pace } from './pace.ts'
import type { Schema } from './schema.ts'
import type { Writer } from './write.ts'

/** An open store: reads, the one write path, and the list's own reader. */
export interface Store extends Omit<Writer<AllWrites>, 'close'> {
  /** for metrics and messages: nothing is decided by it */
  name: 'sqlite' | 'postgres'
  /** an id that a restored store renews; part of every ETag */
  id: string
  /** how many writes wait or run */
  writeDepth: () => number
  /** for reads that end at once; never a transaction */
  db: Kysely<Schema>
  /**
   * Gate and page of a list, from one snapshot.
   *
   * @param now  epoch ms: where somebody is due then, the answer is `'due'`; left out, the list as it stands
   */
  readList: (question: ListQuestion, now?: number) => ListAnswer | Promise<ListAnswer>
  /** a long read on a connection of its own, all of it from one snapshot */
  snapshot: <T>(read: (db: Kysely<Schema>) => Promise<T>) => Promise<T>
  /** answers when the store does, else throws */
  ping: () => Promise<void>
  /**
   * says that a server works on the store, until `release` or the process's end; `isShared`: another one did so already,
   * null where nobody can tell
   */
  holdServing: () => { release: () => void; isShared: boolean | null }
  /** how an import goes, so that a server beside it does not wait; `isListed`: whether its users may be in lists */
  pace: (into: { isListed: boolean }) => Pace
  /** runs `work` while no other process does so on this store; waits for one that is at it */
  alone: <T>(work: () => Promise<T>) => Promise<T>
  /**
   * overwrites what deleted rows have left in pages and files
   *
   * @throws ApiError 503 where who reads or writes for long did not let it
   */
  compact: () => Promise<void>
  /** writes the store as it is now to a file; null where the database's own programs do */
  backUp: ((target: string) => void) | null
  close: () => Promise<void>
}
