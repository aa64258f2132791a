import { sql } from 'kysely'
import { takeRules } from '../database/rules-lock.ts'
import type { Tx } from '../database/write.ts'
import type { SecretPlace } from '../secrets.ts'

/** Where a channel's encrypted access token lies. */
export function accessTokenPlace(orgId: number, mediumId: string): SecretPlace {
  return { table: 'channels', orgId, row: mediumId }
}

/**
 * Gives a channel another access token, with which profiles are read again; null takes it away. Who writes from then on
 * is asked for; who came before and never was is left to `planUnreadProfiles`, who is still to be asked for when it is
 * taken away to `forgetPlannedReads`.
 */
export async function setAccessToken(
  tx: Tx,
  { orgId, channelKey, ciphertext }: { orgId: number; channelKey: number; ciphertext: string | null },
): Promise<void> {
  // a write that has seen no token yet ends first: what it made is there when those before are planned
  await takeRules(tx, orgId)
  await sql`
    /* channels.set-token */
    update channels set access_token_ciphertext = ${ciphertext}, access_token_refused_timestamp = null,
      graph_paused_until_timestamp = null
    where org_id = ${orgId} and channel_key = ${channelKey}`.execute(tx.db)
}

/**
 * Says that the platform refuses this token, or that it lacks a permission: nothing is read with it any more. A token
 * that came meanwhile stays.
 *
 * @returns whether it was not said before
 */
export async function refuseAccessToken(
  tx: Tx,
  given: { orgId: number; channelKey: number; ciphertext: string; refusedTimestamp: number },
): Promise<boolean> {
  const { orgId, channelKey, ciphertext, refusedTimestamp } = given
  const refused = await sql`
    /* channels.refuse-token */
    update channels set access_token_refused_timestamp = ${refusedTimestamp}
    where org_id = ${orgId} and channel_key = ${channelKey} and access_token_ciphertext = ${ciphertext}
      and access_token_refused_timestamp is null`.execute(tx.db)
  return Number(refused.numAffectedRows ?? 0) > 0
}

/** Asks the platform nothing for a channel until then, epoch ms; the longest pause counts. */
export async function pauseChannel(
  tx: Tx,
  { orgId, channelKey, untilTimestamp }: { orgId: number; channelKey: number; untilTimestamp: number },
): Promise<void> {
  await sql`
    /* channels.pause */
    update channels set graph_paused_until_timestamp = ${untilTimestamp}
    where org_id = ${orgId} and channel_key = ${channelKey}
      and coalesce(graph_paused_until_timestamp, 0) < ${untilTimestamp}`.execute(tx.db)
}
