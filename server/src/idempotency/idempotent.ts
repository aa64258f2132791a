import { waitForLocks } from '../database/wait-for-locks.ts'
import type { Tx } from '../database/write.ts'
import { errors } from '../http/errors.ts'

/** What a request with an `Idempotency-Key` is known by; the hashes are keyed. */
export interface Idempotency {
  /** method and path */
  route: string
  keyHash: string
  bodyHash: string
}

interface Options<Args, Result> {
  /** what a repeat results in, from what the first time resulted in; default: the same. It is kept as JSON. */
  repeat?: (result: Result) => Result
  /** the user whose id, or what leads to it, the result holds: it is deleted with the user */
  cuidOf?: (result: Result, args: Args) => string | null
}

/** So long a repeat is answered as the first time. */
export const KEPT_MS = 86_400_000
/** So long a request waits for another with its key that still runs. */
const MAX_WAIT_MS = 5_000

/**
 * A write that may come with an `Idempotency-Key`: what it results in is kept in its own transaction, and a repeat within
 * 24 h results in that and changes nothing. A write that fails leaves nothing.
 *
 * @throws ApiError 409 where the key came with another body, or where its first request still runs after 5 s
 * @see contract, audience, "Retries are safe"
 */
export function idempotent<Args extends { orgId: number }, Result>(
  write: (tx: Tx, args: Args) => Promise<Result>,
  { repeat = (result) => result, cuidOf = () => null }: Options<Args, Result> = {},
): (tx: Tx, args: Args & { idempotency?: Idempotency | null }) => Promise<Result> {
  return async (tx, args) => {
    const { orgId, idempotency } = args
    if (!idempotency) return await write(tx, args)
    const isFirst = await waitForLocks(tx, MAX_WAIT_MS, () => claim(tx, orgId, idempotency), errors.idempotencyKeyInUse)
    // of the write's own making, or its `repeat`'s
    if (!isFirst) return (await readResult(tx, orgId, idempotency)) as Result
    const result = await write(tx, args)
    await keepResult(tx, orgId, idempotency, repeat(result), cuidOf(result, args))
    return result
  }
}

/** Waits for whoever claims the same key, and takes over what has expired. @returns whether the key is free */
async function claim(tx: Tx, orgId: number, { route, keyHash, bodyHash }: Idempotency): Promise<boolean> {
  const claimed = await tx.db
    .insertInto('idempotent_answers')
    .values({
      org_id: orgId,
      route,
      key_hash: keyHash,
      body_hash: bodyHash,
      result: null,
      user_key: null,
      created_timestamp: tx.now,
    })
    .onConflict((conflict) =>
      conflict
        .columns(['org_id', 'route', 'key_hash'])
        .doUpdateSet({ body_hash: bodyHash, result: null, user_key: null, created_timestamp: tx.now })
        .where('idempotent_answers.created_timestamp', '<=', tx.now - KEPT_MS),
    )
    .returning('org_id')
    .executeTakeFirst()
  return claimed !== undefined
}

async function readResult(tx: Tx, orgId: number, { route, keyHash, bodyHash }: Idempotency): Promise<unknown> {
  const first = await tx.db
    .selectFrom('idempotent_answers as a')
    .select(['a.body_hash', 'a.result'])
    .where('a.org_id', '=', orgId)
    .where('a.route', '=', route)
    .where('a.key_hash', '=', keyHash)
    .executeTakeFirst()
  // deleted since: with the user whom it named, or because it expired
  if (!first) throw errors.idempotencyKeyInUse()
  if (first.body_hash !== bodyHash) throw errors.idempotencyKeyReused()
  return first.result === null ? undefined : JSON.parse(first.result)
}

async function keepResult(
  tx: Tx,
  orgId: number,
  { route, keyHash }: Idempotency,
  result: unknown,
  cuid: string | null,
): Promise<void> {
  await tx.db
    .updateTable('idempotent_answers')
    .set({
      result: result === undefined ? null : JSON.stringify(result),
      ...(cuid === null ? {} : { user_key: userKeyOf(tx, orgId, cuid) }),
    })
    .where('org_id', '=', orgId)
    .where('route', '=', route)
    .where('key_hash', '=', keyHash)
    .execute()
}

function userKeyOf(tx: Tx, orgId: number, cuid: string) {
  return tx.db.selectFrom('users as u').select('u.user_key').where('u.org_id', '=', orgId).where('u.cuid', '=', cuid)
}
