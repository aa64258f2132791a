import { createHmac } from 'node:crypto'

/** What stands for an erased user: without the key nobody can tell, or try out, whose it is. */
export function hashUser(erasureKey: Uint8Array, orgId: number, cuid: string): string {
  return createHmac('sha256', erasureKey)
    .update(JSON.stringify([orgId, cuid]))
    .digest('base64url')
}
