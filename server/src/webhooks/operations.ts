import { Type } from 'typebox'
import { errors } from '../http/errors.ts'
import { Joi } from '../http/input.ts'
import { NO_STORE, type Operation } from '../http/operation.ts'

const meta = { tag: 'Webhooks', scope: null } as const

export const handshakeOperation: Operation = {
  ...meta,
  operationId: 'verifyMetaWebhook',
  summary: 'Answer the handshake of Meta',
  description:
    'Meta calls it when the address is entered under *Webhooks* in its app. The answer is the challenge, for who knows the verify token.',
  query: Joi.object({
    'hub.mode': Joi.string().required().description('`subscribe`').example('subscribe'),
    'hub.challenge': Joi.string().required().max(256).description('What the answer repeats').example('1158201444'),
    'hub.verify_token': Joi.string().required().description('`META_VERIFY_TOKEN`').example('a-verify-token'),
  }).unknown(),
  ok: {
    description: 'The challenge',
    mediaType: 'text/plain',
    schema: Type.String(),
    example: '1158201444',
    headers: NO_STORE,
  },
  failures: [errors.webhookForbidden()],
  meanings: { 403: 'The token is another one, or something is missing or malformed' },
}

export const notificationOperation: Operation = {
  ...meta,
  operationId: 'receiveMetaWebhook',
  summary: 'Take a notification of Meta',
  description:
    'What happened on Facebook pages (`object: page`) and Instagram accounts (`object: instagram`). It is answered when its events are stored; lists show them a moment later. Messages and postbacks count as a message of the person who sent them, a referral ties the conversation to the link that its `ref` names. Everything else, pages that no organization has included, is counted and dropped. The same `mid` counts once.\n\nWho wrote when is kept; texts, attachments and payloads are not.',
  requestHeaders: {
    'X-Hub-Signature-256': {
      description:
        "`sha256=` and lowercase hex of HMAC-SHA256 of the body's bytes under the app's secret, one of `META_APP_SECRET`. Without it the answer is 403",
      schema: Type.String({ pattern: '^sha256=[0-9a-f]{64}$' }),
      example: 'sha256=6c3a1d8f5b0e4c7a9d2f6b1e8a3c5d7f0b4e9a2c6d1f8b3e5a7c0d9f4b2e6a18',
    },
  },
  body: {
    schema: Joi.object({
      object: Joi.string().required().description('`page` or `instagram`'),
      entry: Joi.array()
        .required()
        .items(Joi.object().unknown())
        .description('One for each page or account: its `id`, and in `messaging` its events, as Meta describes them'),
    }).unknown(),
    examples: {
      message: notification({ message: { mid: 'm_AG5Hz2U', text: 'Hello there' } }),
      referral: notification({ referral: { ref: 'link-42', source: 'SHORTLINK', type: 'OPEN_THREAD' } }),
    },
  },
  ok: { description: 'What is to be kept is stored', headers: NO_STORE },
  failures: [
    errors.malformedJson(),
    errors.webhookForbidden(),
    errors.bodyTooLarge(),
    errors.unsupportedMediaType(),
    errors.tooManyBodies(),
    errors.internal(undefined),
    errors.storeBusy(undefined),
    errors.storeCannotWrite(undefined),
    errors.storeFull(undefined),
  ],
  meanings: {
    400: 'The body is not JSON',
    403: 'The signature is missing, or of another secret or body',
    415: 'The `Content-Type` is malformed; any other is taken',
  },
}

function notification(what: object): object {
  const event = {
    sender: { id: '7211234567890123' },
    recipient: { id: '123456789012345' },
    timestamp: 1_780_143_600_000,
  }
  const entry = { id: '123456789012345', time: 1_780_143_600_000, messaging: [{ ...event, ...what }] }
  return { object: 'page', entry: [entry] }
}
