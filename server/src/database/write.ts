import type { Kysely } from 'kysely'
import type { Schema } from './schema.ts'

/** What a write works with: one transaction, and the settings that every write shares. */
export interface Tx {
  db: Kysely<Schema>
  /** epoch ms, when the transaction began */
  now: number
  /** how many rows a counted range of a list is made to hold */
  rangeRows: number
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

export interface WriterOptions {
  rangeRows: number
}

export const DEFAULT_WRITER_OPTIONS: WriterOptions = { rangeRows: 1000 }
