import { sql } from 'kysely'
import { isPostgres } from './dialect.ts'
import type { Tx } from './write.ts'

/** A number of our own in PostgreSQL's two-part advisory locks. */
const RULES = 0x44594e

/**
 * Held to the commit by every write that reads an organization's rules and generations: whoever changes them
 * waits for it, so that no write can miss a generation that is being made. SQLite has one writer.
 */
export async function shareRules(tx: Tx, orgId: number): Promise<void> {
  if (isPostgres(tx.db)) await sql`select pg_advisory_xact_lock_shared(${RULES}, ${orgId}::int)`.execute(tx.db)
}

/** Held by whoever starts, supersedes or swaps a generation, connects or disconnects a channel. */
export async function takeRules(tx: Tx, orgId: number): Promise<void> {
  if (isPostgres(tx.db)) await sql`select pg_advisory_xact_lock(${RULES}, ${orgId}::int)`.execute(tx.db)
}
