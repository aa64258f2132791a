import type { Kysely } from 'kysely'
import type { Schema } from './schema.ts'

/** What a write works with: one transaction, and the settings that every write shares. */
export interface Tx {
  db: Kysely<Schema>
  /** epoch ms, when the transaction began */
  now: number
  /** whether it has begun anew, since another write kept it from its end */
  isAgain: boolean
  /** how many rows a counted range of a list is made to hold */
  rangeRows: number
  /** under which erased users are kept as hashes */
  erasureKey: Uint8Array
}

/** For reads that share their functions with writes: nothing can be written with it. */
export function readingTx(db: Kysely<Schema>, now: number): Tx {
  return { db, now, isAgain: false, rangeRows: 0, erasureKey: new Uint8Array() }
}

/** A named function over plain data (it may cross a thread), run in a transaction of its own. */
// biome-ignore lint/suspicious/noExplicitAny: each write has arguments and a result of its own
export type Write = (tx: Tx, args: any) => Promise<unknown>
export type Writes = Record<string, Write>

/** Runs a write by its name, durably: when it has answered, the facts are on the disk. */
export interface Writer<W extends Writes> {
  write<N extends keyof W & string>(name: N, args: Parameters<W[N]>[1]): ReturnType<W[N]>
  close(): Promise<void>
}

/** What every write is given beside its transaction. */
export type WriterOptions = Pick<Tx, 'rangeRows' | 'erasureKey'>
