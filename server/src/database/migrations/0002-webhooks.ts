import type { MigrationTypes } from '../migrate.ts'

export function statements({ int, text, table, sequence }: MigrationTypes): string[] {
  return [
    table(
      'webhook_events',
      `
      org_id ${int} not null,
      event_key ${int} not null,
      channel_key ${int} not null,
      platform_user_id ${text} not null,
      kind ${text} not null check (kind in ('message', 'referral')),
      timestamp ${int} not null,
      link_id ${text},
      received_timestamp ${int} not null,
      primary key (org_id, event_key)`,
    ),
    'create index webhook_events_received on webhook_events (org_id, received_timestamp)',
    'create index webhook_events_platform_user on webhook_events (org_id, channel_key, platform_user_id)',
    table(
      'webhook_messages',
      `
      org_id ${int} not null,
      mid_hash ${text} not null,
      received_timestamp ${int} not null,
      primary key (org_id, mid_hash)`,
    ),
    'create index webhook_messages_received on webhook_messages (org_id, received_timestamp)',
    ...sequence('webhook_events'),
  ]
}
