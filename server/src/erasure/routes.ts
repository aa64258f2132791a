import type { FastifyInstance } from 'fastify'
import type { Store } from '../database/store.ts'
import { removeFiles } from '../exports/remove-files.ts'
import type { ExportStorage } from '../exports/storage.ts'
import { errors } from '../http/errors.ts'
import { validateInput } from '../http/input.ts'
import { appendErasure } from './erasures-file.ts'
import { deletionSchema } from './schema.ts'

/** What the reference says of the route; loaded when somebody reads it. */
const loadOperation = async () => (await import('./operation.ts')).operation

/** `POST /v1.0/user/deleteUserData`: erases a user, whether anybody knows them or not. */
export function erasureRoutes(
  app: FastifyInstance,
  { store, storage, dataDir, now }: { store: Store; storage: ExportStorage; dataDir: string; now: () => number },
): void {
  app.post('/deleteUserData', { config: { operation: loadOperation } }, async (request, reply) => {
    const { userId: cuid } = validateInput(deletionSchema, request.body)
    const { idempotency, caller } = request
    const { orgId, organizationId } = caller
    const erasure = await store.write('eraseUser', { orgId, cuid, erasedTimestamp: now(), idempotency })
    // before the answer: who gets none asks again, and what the file has already may come twice
    await appendErasure(dataDir, { organizationId, ...erasure })
    await removeFiles(store, storage, { now: now(), orgId }).catch((error: unknown) => {
      throw errors.exportsNotDeleted(error)
    })
    return reply.header('x-erasure-receipt', erasure.receiptId).send()
  })
}
