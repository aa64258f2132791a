import { createHmac } from 'node:crypto'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'

export const META = { META_APP_SECRET: 'old-secret,new-secret', META_VERIFY_TOKEN: 'verify-me' }

/** A notification as Meta sends it: what happened on one channel. */
export function notification(mediumId: string, messaging: object[], time = 1_780_000_000_000): object {
  const [, type = '', platformId = ''] = /^(FB_PAGE|INSTAGRAM_ACCOUNT)_(.+)$/.exec(mediumId) ?? []
  return { object: type === 'FB_PAGE' ? 'page' : 'instagram', entry: [{ id: platformId, time, messaging }] }
}

export function message(person: string, mid: string, timestamp: number, more: object = {}): object {
  const parts = { mid, text: 'Hello there', ...more }
  return { sender: { id: person }, recipient: { id: 'page' }, timestamp, message: parts }
}

export function referral(person: string, ref: string, timestamp: number): object {
  const parts = { ref, source: 'SHORTLINK', type: 'OPEN_THREAD' }
  return { sender: { id: person }, recipient: { id: 'page' }, timestamp, referral: parts }
}

/** Sent and signed as Meta does. @param payload an object goes as JSON, text and bytes as they are */
export function notify(
  app: FastifyInstance,
  payload: object | string,
  { secret = 'new-secret', headers = {} }: { secret?: string; headers?: Record<string, string> } = {},
): Promise<LightMyRequestResponse> {
  const body = typeof payload === 'string' || payload instanceof Uint8Array ? payload : JSON.stringify(payload)
  const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
  return app.inject({
    method: 'POST',
    url: '/webhooks/meta',
    headers: { 'content-type': 'application/json', 'x-hub-signature-256': signature, ...headers },
    payload: body,
  })
}
