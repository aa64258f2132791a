/**
 * The tables, as Kysely types. Keys that the world sees are text (`*_id`, `cuid`); tables refer to each other by the
 * integers `*_key`. `org_id` leads every key. Timestamps are epoch ms, money is millionths of the currency's unit
 * (`*_micros`), flags are 0 or 1.
 *
 * Every `bigint` that may pass 2^53 (`*_micros`) is read as text: `cast(… as text)`.
 */
export interface Schema {
  store_meta: { name: string; value: string }
  organizations: { org_id: number; organization_id: string; name: string; active: number; created_timestamp: number }
  api_keys: {
    org_id: number
    api_key: string
    secret_ciphertext: string
    label: string | null
    scope: string
    created_timestamp: number
    revoked_timestamp: number | null
  }
  workspaces: {
    org_id: number
    workspace_key: number
    workspace_id: string
    name: string
    type: 'VIP' | 'STANDARD'
    vip_indicator: string | null
    /** the generation of marks, list rows and ranges that is served */
    generation: number
    /** the generation that is being made beside it, with its own rule; null while nothing is */
    building_generation: number | null
    building_vip_indicator: string | null
    /** users up to this key are in the building generation */
    building_user_key: number | null
  }
  channels: {
    org_id: number
    channel_key: number
    medium_id: string
    type: 'FB_PAGE' | 'INSTAGRAM_ACCOUNT'
    platform_id: string
    name: string
    /** of the Graph API; null: none is known, and no profiles are read */
    access_token_ciphertext: string | null
    /** when the platform last said that the token is no good; null with a new token */
    access_token_refused_timestamp: number | null
    /** until then the platform is asked nothing: it said that it was asked too much */
    graph_paused_until_timestamp: number | null
  }
  /** a list: the VIP users of a workspace on a channel; its version is its lock and its ETag */
  workspace_channels: {
    org_id: number
    workspace_key: number
    channel_key: number
    /** the first generation that has this channel's list */
    since_generation: number
    version: number
  }
  users: {
    org_id: number
    user_key: number
    cuid: string
    purchases_micros: bigint
    purchases: number
    /** the purchase that arrived last: where the chain of the user's purchases begins */
    last_purchase_id: string | null
    last_purchase_timestamp: number | null
    last_app_open_timestamp: number | null
    /** derived: the `ltv` property where it is a number */
    ltv_property_micros: bigint | null
    /** derived: resolved personal information */
    first_name: string | null
    last_name: string | null
    birthday: string | null
  }
  /** facts: a removed property stays as a row whose value is null, so that an older value cannot come back */
  properties: {
    org_id: number
    user_key: number
    key: string
    /** JSON text of a string, number or boolean */
    value: string | null
    event_timestamp: number
    arrived_timestamp: number
  }
  purchases: {
    org_id: number
    purchase_id: string
    user_key: number
    revenue_micros: bigint
    timestamp: number
    /** the same user's purchase that arrived before this one: all of them are found without an index by user */
    previous_purchase_id: string | null
  }
  /** facts about names and birthdays that are neither a property nor a platform profile */
  personal_information: {
    org_id: number
    user_key: number
    field: 'firstName' | 'lastName' | 'birthday'
    source: 'operator' | 'chat'
    value: string | null
    author: string | null
    event_timestamp: number
    arrived_timestamp: number
  }
  conversations: {
    org_id: number
    conversation_key: number
    conversation_id: string
    channel_key: number
    platform_user_id: string
    user_key: number | null
    user_timestamp: number | null
    user_name: string | null
    user_name_timestamp: number | null
    first_name: string | null
    first_name_timestamp: number | null
    first_name_arrived_timestamp: number | null
    last_name: string | null
    last_name_timestamp: number | null
    last_name_arrived_timestamp: number | null
    profile_pic: string | null
    profile_pic_timestamp: number | null
    last_user_message_timestamp: number | null
    /** when the profile was last read from the platform, or the platform said that there is none to be had */
    profile_read_timestamp: number | null
  }
  /** conversations whose profile is to be read from the platform */
  profile_reads: {
    org_id: number
    conversation_key: number
    channel_key: number
    /** when it may be taken: of a read that somebody is at, when their lease is over */
    due_timestamp: number
    /** of whoever took it last: nobody else may write what they read */
    lease: string | null
    /** that have failed */
    attempts: number
  }
  /** D10x link ids: each stands for a conversation, or, until a conversation comes with it, for a user */
  links: {
    org_id: number
    link_id: string
    conversation_key: number | null
    user_key: number | null
    user_timestamp: number | null
    created_timestamp: number
    converted_timestamp: number | null
  }
  /** what webhooks told of the channels' conversations, until it is worked off; no text, nothing that was sent */
  webhook_events: {
    org_id: number
    event_key: number
    channel_key: number
    platform_user_id: string
    kind: 'message' | 'referral'
    timestamp: number
    link_id: string | null
    received_timestamp: number
  }
  /** messages that webhooks told of, each by a keyed hash of its id alone: it counts once */
  webhook_messages: {
    org_id: number
    mid_hash: string
    received_timestamp: number
  }
  /** what writes with an `Idempotency-Key` resulted in; keys and bodies are kept as keyed hashes alone */
  idempotent_answers: {
    org_id: number
    /** method and path */
    route: string
    key_hash: string
    body_hash: string
    /** as JSON: what the answer is made from */
    result: string | null
    /** whose id, or what leads to it, the result holds; it goes with the user */
    user_key: number | null
    created_timestamp: number
  }
  /** files of lists that may be fetched, or are being made; an ended one is still to be deleted */
  exports: {
    org_id: number
    file_name: string
    state: 'making' | 'stored' | 'ended'
    created_timestamp: number
    expires_timestamp: number
    /** where its file is kept, and how that is reached; null: on a server's own disk */
    bucket: string | null
  }
  /** whose facts dated before the erasure are dropped, as a keyed hash of the `cuid` alone */
  erased_users: {
    org_id: number
    user_hash: string
    erased_timestamp: number
  }
  /** what was erased, where and when; no personal data */
  receipts: {
    org_id: number
    receipt_id: string
    erased_timestamp: number
    /** JSON: how many rows of what */
    erased: string
    /** when freed pages were overwritten; null: not yet */
    compacted_timestamp: number | null
  }
  vip_marks: {
    org_id: number
    workspace_key: number
    generation: number
    user_key: number
    vip: number
    /** when time alone may change the mark */
    due_timestamp: number | null
    judged_timestamp: number
  }
  vip_users: {
    org_id: number
    workspace_key: number
    channel_key: number
    generation: number
    negated_ltv_micros: bigint
    conversation_id: string
    user_key: number
    birthday_month: number | null
    /** the row's JSON, as `GET /vip-users` sends it */
    row: string
  }
  vip_user_ranges: {
    org_id: number
    workspace_key: number
    channel_key: number
    generation: number
    first_negated_ltv_micros: bigint
    first_conversation_id: string
    row_count: number
  } & { [month in `month_${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12}`]: number }
}
