import { errors } from '../http/errors.ts'
import type { Operation } from '../http/operation.ts'
import { createSchemas } from './schemas.ts'

// no time is too late for the reference
const schemas = createSchemas(() => Number.POSITIVE_INFINITY)

const ALL_OR_NOTHING =
  'Takes one item, or `batch` with 1 to 250 of them: all are applied or none. Once it is answered, the next `GET /vip-users` shows it.'
const ANY_ORDER =
  'The user need not be identified yet: what is reported is kept, and shows as soon as a conversation is tied to the user.'

const report = { tag: 'Audience', scope: 'report', ok: { description: 'Applied' } } as const

const identify: Operation = {
  ...report,
  operationId: 'identify',
  summary: 'Identify users',
  description: `Ties the conversation behind a D10x link to the customer's own user. The later \`timestamp\` wins over the earlier, whatever came first. ${ALL_OR_NOTHING}`,
  body: {
    schema: schemas.identify,
    examples: {
      one: { d10xLinkId: 'x7Gk2vQ9', userId: 'player-4711' },
      batch: { batch: [{ d10xLinkId: 'x7Gk2vQ9', userId: 'player-4711', timestamp: 1780059600000 }] },
    },
  },
  failures: [errors.unknownLinks([{ index: 0, d10xLinkId: 'x7Gk2vQ9' }])],
}

const activity: Operation = {
  ...report,
  operationId: 'reportActivity',
  summary: 'Report activity',
  description: `An app open, or another sign of life: the latest one is \`lastAppOpenTimestamp\`. ${ANY_ORDER} ${ALL_OR_NOTHING}`,
  body: {
    schema: schemas.activity,
    examples: {
      one: { userId: 'player-4711' },
      batch: { batch: [{ userId: 'player-4711', timestamp: '2026-05-30T12:55:00Z' }] },
    },
  },
}

const properties: Operation = {
  ...report,
  operationId: 'setProperties',
  summary: 'Set properties',
  description: `Sets attributes of users; one without \`value\` is removed. Of each key the later \`timestamp\` wins. A user has at most 500 properties. A number as \`ltv\` stands in place of the sum of purchases. ${ANY_ORDER} ${ALL_OR_NOTHING}`,
  body: {
    schema: schemas.properties,
    examples: {
      one: {
        userId: 'player-4711',
        properties: [{ key: 'plan', value: 'pro' }, { key: 'ltv', value: 149.99 }, { key: 'churned' }],
      },
      batch: { batch: [{ userId: 'player-4711', properties: [{ key: 'subscribed', value: true }] }] },
    },
  },
}

const purchase: Operation = {
  ...report,
  operationId: 'reportPurchase',
  summary: 'Report purchases',
  description: `Revenue in the organization's one currency, rounded half to even at six decimals; below 0 it is a refund, with a \`purchaseId\` of its own. A \`purchaseId\` counts once, for ever: the same again with the same user and revenue changes nothing, with another it is 409. ${ANY_ORDER} ${ALL_OR_NOTHING}`,
  body: {
    schema: schemas.purchase,
    examples: {
      one: { revenue: 49.99, userId: 'player-4711', purchaseId: 'order-1001' },
      batch: {
        batch: [
          { revenue: 49.99, userId: 'player-4711', purchaseId: 'order-1001' },
          { revenue: '-49.99', userId: 'player-4711', purchaseId: 'refund-1001', timestamp: '2026-05-30T12:55:00Z' },
        ],
      },
    },
  },
  failures: [errors.purchaseConflict([{ index: 0, purchaseId: 'order-1001' }])],
}

/** What the reference says of the Audience API's routes, each under the last part of its path. */
export const operations = { identify, activity, properties, purchase }
