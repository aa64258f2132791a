import { type Kysely, sql } from 'kysely'
import type { DialectSchema, MigrationTypes } from '../migrate.ts'
import type { Schema } from '../schema.ts'

const types: MigrationTypes = {
  int: 'integer',
  key: 'integer',
  text: 'text',
  // a page of a list is one range of one tree: rows live in their primary key
  table: (name, columns, options) =>
    `create table ${name} (${columns}) strict${options?.appended ? '' : ', without rowid'}`,
  // the primary key's own tree is as wide as its rows
  coverKey: (table, key, column) => [`create index ${table}_key on ${table} (${key.join(', ')}, ${column})`],
  // the one writer counts on from the highest key
  sequence: () => [],
}

/**
 * What the planner is told of the indexes: rows in all, then rows for each prefix of the key. Fixed, so that a batch
 * is always looked up row by row: measured figures, or none, make it walk a whole organization for each batch.
 */
const STATISTICS: [table: string, index: string, rows: string][] = [
  ['organizations', 'organizations', '1000 1'],
  ['organizations', 'organizations_id', '1000 1'],
  ['api_keys', 'api_keys', '2000 2 1'],
  ['api_keys', 'api_keys_key', '2000 1'],
  ['workspaces', 'workspaces', '10000 10 1'],
  ['workspaces', 'workspaces_id', '10000 10 1'],
  ['channels', 'channels', '10000 10 1'],
  ['channels', 'channels_medium', '10000 10 1'],
  ['channels', 'channels_platform', '10000 5000 1'],
  ['workspace_channels', 'workspace_channels', '10000 10 2 1'],
  ['users', 'users', '1000000 1000000 1'],
  ['users', 'users_cuid', '1000000 1000000 1'],
  ['properties', 'properties', '10000000 10000000 10 1'],
  ['purchases', 'sqlite_autoindex_purchases_1', '10000000 10000000 1'],
  ['personal_information', 'personal_information', '1000000 1000000 2 2 1'],
  ['conversations', 'conversations', '1000000 1000000 1'],
  ['conversations', 'conversations_id', '1000000 1000000 1'],
  ['conversations', 'conversations_platform_user', '1000000 1000000 500000 1'],
  ['conversations', 'conversations_user', '1000000 1000000 2'],
  ['links', 'links', '1000000 1000000 1'],
  ['links', 'links_conversation', '1000000 1000000 2'],
  ['links', 'links_user', '1000000 1000000 2'],
  ['webhook_events', 'webhook_events', '10000 10000 1'],
  ['webhook_events', 'webhook_events_received', '10000 10000 10'],
  ['webhook_events', 'webhook_events_platform_user', '10000 10000 5000 2'],
  ['webhook_messages', 'webhook_messages', '1000000 1000000 1'],
  ['webhook_messages', 'webhook_messages_received', '1000000 1000000 10'],
  ['profile_reads', 'profile_reads', '100000 100000 1'],
  ['profile_reads', 'profile_reads_due', '100000 100000 50000 2'],
  ['idempotent_answers', 'idempotent_answers', '1000000 1000000 100000 1'],
  ['idempotent_answers', 'idempotent_answers_created', '1000000 1000000 1'],
  ['idempotent_answers', 'idempotent_answers_user', '100000 100000 2'],
  ['exports', 'exports', '1000 100 1'],
  ['erased_users', 'erased_users', '10000 10000 1'],
  ['erased_users', 'erased_users_timestamp', '10000 10000 1'],
  ['receipts', 'receipts', '10000 10000 1'],
  ['receipts', 'receipts_timestamp', '10000 10000 1'],
  ['vip_marks', 'vip_marks', '1000000 1000000 1000000 1000000 1'],
  ['vip_marks', 'vip_marks_due', '1000000 1000000 1000000 1000000 10'],
  ['vip_users', 'vip_users', '1000000 1000000 1000000 1000000 1000000 10 1'],
  ['vip_users', 'vip_users_month', '500000 500000 500000 500000 500000 40000 10 1'],
  ['vip_users', 'vip_users_birthday', '5000 5000 5000 5000 5000 10 1 1'],
  ['vip_users', 'vip_users_key', '1000000 1000000 1000000 1000000 1000000 10 1 1'],
  ['vip_users', 'vip_users_user', '1000000 1000000 2 2 1'],
  ['vip_user_ranges', 'vip_user_ranges', '1000 1000 1000 1000 1000 2 1'],
  ['vip_user_ranges', 'vip_user_ranges_conversation', '1000 1000 2'],
]

const afterMigration: string[] = [
  'analyze',
  'delete from sqlite_stat1',
  ...STATISTICS.map(
    ([table, index, rows]) => `insert into sqlite_stat1 (tbl, idx, stat) values ('${table}', '${index}', '${rows}')`,
  ),
  'analyze sqlite_schema',
]

async function describe(db: Kysely<Schema>): Promise<string[]> {
  const { rows } = await sql<{ name: string; sql: string }>`
    select s.name, s.sql from sqlite_schema s
    where s.name not like 'sqlite_%'
    order by s.type desc, s.name`.execute(db)
  return rows.map((row) => row.sql.replaceAll(/\s+/g, ' '))
}

export const sqliteSchema: DialectSchema = { types, afterMigration, describe }
