import type { Store } from '../database/store.ts'
import type { Tx } from '../database/write.ts'
import { KEPT_MS } from './idempotent.ts'

/** Deleted in one transaction: some ms, so that no other write waits long. */
const CHUNK = 500

/** Deletes the answers that no repeat is answered with any more. @param now epoch ms */
export async function forgetAllAnswers(store: Pick<Store, 'db' | 'write'>, now: number): Promise<void> {
  const organizations = await store.db
    .selectFrom('organizations as o')
    .select('o.org_id')
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('idempotent_answers as a')
          .select('a.route')
          .whereRef('a.org_id', '=', 'o.org_id')
          .where('a.created_timestamp', '<=', now - KEPT_MS),
      ),
    )
    .execute()
  for (const { org_id: orgId } of organizations) {
    while (await store.write('forgetAnswers', { orgId }));
  }
}

/** Deletes a bounded number of expired answers, the oldest first. @returns whether there may be more */
export async function forgetAnswers(tx: Tx, { orgId }: { orgId: number }): Promise<boolean> {
  const oldest = tx.db
    .selectFrom('idempotent_answers as a')
    .select('a.created_timestamp')
    .where('a.org_id', '=', orgId)
    .where('a.created_timestamp', '<=', tx.now - KEPT_MS)
    .orderBy('a.created_timestamp')
    .limit(CHUNK)
  // by their time alone: a planner without figures would compare each key with each row
  const { numDeletedRows } = await tx.db
    .deleteFrom('idempotent_answers')
    .where('org_id', '=', orgId)
    .where('created_timestamp', '<=', ({ selectFrom }) =>
      selectFrom(oldest.as('o')).select(({ fn }) => fn.max('o.created_timestamp').as('last')),
    )
    .executeTakeFirstOrThrow()
  return Number(numDeletedRows) >= CHUNK
}
