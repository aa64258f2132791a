import type { MigrationTypes } from '../migrate.ts'

/** Who counts along a list, to an offset or a rank, reads keys and birthday months, and not the rows' texts. */
export function statements({ coverKey }: MigrationTypes): string[] {
  const key = ['org_id', 'workspace_key', 'channel_key', 'generation', 'negated_ltv_micros', 'conversation_id']
  return coverKey('vip_users', key, 'birthday_month')
}
