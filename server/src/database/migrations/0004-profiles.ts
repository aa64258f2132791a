import type { MigrationTypes } from '../migrate.ts'

export function statements({ int, text, table }: MigrationTypes): string[] {
  return [
    `alter table channels add column access_token_ciphertext ${text}`,
    `alter table channels add column access_token_refused_timestamp ${int}`,
    `alter table channels add column graph_paused_until_timestamp ${int}`,
    `alter table conversations add column profile_read_timestamp ${int}`,
    table(
      'profile_reads',
      `
      org_id ${int} not null,
      conversation_key ${int} not null,
      channel_key ${int} not null,
      due_timestamp ${int} not null,
      lease ${text},
      attempts ${int} not null,
      primary key (org_id, conversation_key)`,
    ),
    'create index profile_reads_due on profile_reads (org_id, channel_key, due_timestamp)',
  ]
}
