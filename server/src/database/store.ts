import type { Kysely } from 'kysely'
import type { Writes as AllWrites } from '../writes.ts'
import type { ListAnswer, ListQuestion } from './list-reader.ts'
import type { Schema } from './schema.ts'
import type { Writer } from './write.ts'

/** An open store: reads, the one write path, and the list's own reader. */
export interface Store extends Omit<Writer<AllWrites>, 'close'> {
  /** the name that metrics and messages use */
  name: 'sqlite' | 'postgres'
  /** an id that a restored store renews; part of every ETag */
  id: string
  /** for reads that end at once; never a transaction */
  db: Kysely<Schema>
  /** gate and page of a list, from one snapshot */
  readList: (question: ListQuestion) => ListAnswer | Promise<ListAnswer>
  /** a long read on a connection of its own, all of it from one snapshot */
  snapshot: <T>(read: (db: Kysely<Schema>) => Promise<T>) => Promise<T>
  /** answers when the store does, else throws */
  ping: () => Promise<void>
  close: () => Promise<void>
}
