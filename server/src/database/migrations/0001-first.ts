import type { MigrationTypes } from '../migrate.ts'

const months = Array.from({ length: 12 }, (_, index) => `month_${index + 1}`)

export function statements({ int, key, text, table, sequence }: MigrationTypes): string[] {
  return [
    table(
      'organizations',
      `
      org_id ${key} not null,
      organization_id ${text} not null,
      name ${text} not null,
      active ${int} not null,
      created_timestamp ${int} not null,
      primary key (org_id)`,
    ),
    'create unique index organizations_id on organizations (organization_id)',
    table(
      'api_keys',
      `
      org_id ${int} not null,
      api_key ${text} not null,
      secret_ciphertext ${text} not null,
      label ${text},
      scope ${text} not null,
      created_timestamp ${int} not null,
      revoked_timestamp ${int},
      primary key (org_id, api_key)`,
    ),
    'create unique index api_keys_key on api_keys (api_key)',
    table(
      'workspaces',
      `
      org_id ${int} not null,
      workspace_key ${int} not null,
      workspace_id ${text} not null,
      name ${text} not null,
      type ${text} not null check (type in ('VIP', 'STANDARD')),
      vip_indicator ${text},
      generation ${int} not null,
      building_generation ${int},
      building_vip_indicator ${text},
      building_user_key ${int},
      primary key (org_id, workspace_key)`,
    ),
    'create unique index workspaces_id on workspaces (org_id, workspace_id)',
    table(
      'channels',
      `
      org_id ${int} not null,
      channel_key ${int} not null,
      medium_id ${text} not null,
      type ${text} not null check (type in ('FB_PAGE', 'INSTAGRAM_ACCOUNT')),
      platform_id ${text} not null,
      name ${text} not null,
      primary key (org_id, channel_key)`,
    ),
    'create unique index channels_medium on channels (org_id, medium_id)',
    'create unique index channels_platform on channels (type, platform_id)',
    table(
      'workspace_channels',
      `
      org_id ${int} not null,
      workspace_key ${int} not null,
      channel_key ${int} not null,
      since_generation ${int} not null,
      version ${int} not null,
      primary key (org_id, workspace_key, channel_key)`,
    ),
    table(
      'users',
      `
      org_id ${int} not null,
      user_key ${int} not null,
      cuid ${text} not null,
      purchases_micros ${int} not null default 0,
      purchases ${int} not null default 0,
      last_purchase_id ${text},
      last_purchase_timestamp ${int},
      last_app_open_timestamp ${int},
      ltv_property_micros ${int},
      first_name ${text},
      last_name ${text},
      birthday ${text},
      primary key (org_id, user_key)`,
    ),
    'create unique index users_cuid on users (org_id, cuid)',
    table(
      'properties',
      `
      org_id ${int} not null,
      user_key ${int} not null,
      key ${text} not null,
      value ${text},
      event_timestamp ${int} not null,
      arrived_timestamp ${int} not null,
      primary key (org_id, user_key, key)`,
    ),
    // appended, never clustered by user: the unique id is its only order
    table(
      'purchases',
      `
      org_id ${int} not null,
      purchase_id ${text} not null,
      user_key ${int} not null,
      revenue_micros ${int} not null,
      timestamp ${int} not null,
      previous_purchase_id ${text},
      primary key (org_id, purchase_id)`,
      { appended: true },
    ),
    table(
      'personal_information',
      `
      org_id ${int} not null,
      user_key ${int} not null,
      field ${text} not null check (field in ('firstName', 'lastName', 'birthday')),
      source ${text} not null check (source in ('operator', 'chat')),
      value ${text},
      author ${text},
      event_timestamp ${int} not null,
      arrived_timestamp ${int} not null,
      primary key (org_id, user_key, field, source)`,
    ),
    table(
      'conversations',
      `
      org_id ${int} not null,
      conversation_key ${int} not null,
      conversation_id ${text} not null,
      channel_key ${int} not null,
      platform_user_id ${text} not null,
      user_key ${int},
      user_timestamp ${int},
      user_name ${text},
      user_name_timestamp ${int},
      first_name ${text},
      first_name_timestamp ${int},
      last_name ${text},
      last_name_timestamp ${int},
      profile_pic ${text},
      profile_pic_timestamp ${int},
      last_user_message_timestamp ${int},
      primary key (org_id, conversation_key)`,
    ),
    'create unique index conversations_id on conversations (org_id, conversation_id)',
    'create unique index conversations_platform_user on conversations (org_id, channel_key, platform_user_id)',
    'create index conversations_user on conversations (org_id, user_key) where user_key is not null',
    table(
      'links',
      `
      org_id ${int} not null,
      link_id ${text} not null,
      conversation_key ${int},
      user_key ${int},
      user_timestamp ${int},
      created_timestamp ${int} not null,
      converted_timestamp ${int},
      primary key (org_id, link_id)`,
    ),
    'create index links_conversation on links (org_id, conversation_key) where conversation_key is not null',
    'create index links_user on links (org_id, user_key) where user_key is not null',
    table(
      'idempotent_answers',
      `
      org_id ${int} not null,
      route ${text} not null,
      key_hash ${text} not null,
      body_hash ${text} not null,
      status ${int} not null,
      body ${text},
      user_key ${int},
      created_timestamp ${int} not null,
      primary key (org_id, route, key_hash)`,
    ),
    'create index idempotent_answers_created on idempotent_answers (org_id, created_timestamp)',
    'create index idempotent_answers_user on idempotent_answers (org_id, user_key) where user_key is not null',
    table(
      'erased_users',
      `
      org_id ${int} not null,
      user_hash ${text} not null,
      erased_timestamp ${int} not null,
      primary key (org_id, user_hash)`,
    ),
    'create index erased_users_timestamp on erased_users (org_id, erased_timestamp)',
    table(
      'receipts',
      `
      org_id ${int} not null,
      receipt_id ${text} not null,
      erased_timestamp ${int} not null,
      erased ${text} not null,
      compacted_timestamp ${int},
      primary key (org_id, receipt_id)`,
    ),
    'create index receipts_timestamp on receipts (org_id, erased_timestamp)',
    table(
      'vip_marks',
      `
      org_id ${int} not null,
      workspace_key ${int} not null,
      generation ${int} not null,
      user_key ${int} not null,
      vip ${int} not null,
      due_timestamp ${int},
      judged_timestamp ${int} not null,
      primary key (org_id, workspace_key, generation, user_key)`,
    ),
    `create index vip_marks_due on vip_marks (org_id, workspace_key, generation, due_timestamp)
      where due_timestamp is not null`,
    table(
      'vip_users',
      `
      org_id ${int} not null,
      workspace_key ${int} not null,
      channel_key ${int} not null,
      generation ${int} not null,
      negated_ltv_micros ${int} not null,
      conversation_id ${text} not null,
      user_key ${int} not null,
      birthday_month ${int},
      row ${text} not null,
      primary key (org_id, workspace_key, channel_key, generation, negated_ltv_micros, conversation_id)`,
    ),
    `create index vip_users_month on vip_users
      (org_id, workspace_key, channel_key, generation, birthday_month, negated_ltv_micros, conversation_id)
      where birthday_month is not null`,
    `create index vip_users_birthday on vip_users
      (org_id, workspace_key, channel_key, generation, negated_ltv_micros, conversation_id, birthday_month)
      where birthday_month is not null`,
    'create index vip_users_user on vip_users (org_id, user_key, workspace_key, generation)',
    table(
      'vip_user_ranges',
      `
      org_id ${int} not null,
      workspace_key ${int} not null,
      channel_key ${int} not null,
      generation ${int} not null,
      first_negated_ltv_micros ${int} not null,
      first_conversation_id ${text} not null,
      row_count ${int} not null check (row_count >= 0),
      ${months.map((month) => `${month} ${int} not null check (${month} >= 0),`).join('\n      ')}
      primary key (org_id, workspace_key, channel_key, generation, first_negated_ltv_micros, first_conversation_id)`,
    ),
    ...['organizations', 'workspaces', 'channels', 'users', 'conversations'].flatMap(sequence),
  ]
}
