import { sql } from 'kysely'
import { newKey } from '../database/rows.ts'
import type { Tx } from '../database/write.ts'
import { errors } from '../http/errors.ts'

export interface NewChannel {
  orgId: number
  type: 'FB_PAGE' | 'INSTAGRAM_ACCOUNT'
  platformId: string
  name: string
}

/**
 * @returns the channel's id, `<TYPE>_<platform id>`
 * @throws ApiError 409 where the page or account belongs to an organization already, this one or another
 */
export async function createChannel(
  tx: Tx,
  { orgId, type, platformId, name }: NewChannel,
): Promise<{ channelKey: number; mediumId: string }> {
  const mediumId = `${type}_${platformId}`
  const { rows } = await sql<{ channel_key: number }>`
    insert into channels (org_id, channel_key, medium_id, type, platform_id, name)
    select ${orgId}, ${newKey(tx.db, 'channels', 'channel_key', orgId)}, ${mediumId}, ${type}, ${platformId}, ${name}
    where true
    on conflict do nothing
    returning channel_key`.execute(tx.db)
  const made = rows[0]
  if (!made) throw errors.channelTaken()
  return { channelKey: made.channel_key, mediumId }
}
