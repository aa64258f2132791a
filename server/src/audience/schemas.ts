import type BaseJoi from 'joi'
import { Joi } from '../http/input.ts'
import { MAX_AHEAD_MS } from '../http/timestamp.ts'
import { FIELD_OF_PROPERTY } from '../users/resolve.ts'
import type { PropertyValue } from '../workspaces/vip-indicator.ts'

export interface IdentifyItem {
  d10xLinkId: string
  userId: string
  timestamp?: number
}

export interface ActivityItem {
  userId: string
  timestamp?: number
}

export interface PropertiesItem {
  userId: string
  properties: { key: string; value?: PropertyValue }[]
  timestamp?: number
}

export interface PurchaseItem {
  userId: string
  revenue: bigint
  purchaseId?: string
  timestamp?: number
}

/** One item, or up to 250 of them. */
export type OneOrBatch<Item> = Item | { batch: Item[] }

export const MAX_BATCH = 250
/** As many as a user may have. */
export const MAX_PROPERTIES = 500
const MAX_VALUE_BYTES = 4_096

/** Whatever a body has that is no unknown name. */
export const BODY_NAMES: ReadonlySet<string> = new Set<
  'batch' | keyof IdentifyItem | keyof ActivityItem | keyof PropertiesItem | keyof PurchaseItem
>(['batch', 'd10xLinkId', 'userId', 'timestamp', 'properties', 'revenue', 'purchaseId'])

/** A name is no longer as a property than it may be elsewhere. */
const NAME_KEYS = [...FIELD_OF_PROPERTY].flatMap(([key, field]) => (field === 'birthday' ? [] : key))

/**
 * What the bodies of the Audience API may be.
 *
 * @param now  the server's clock, epoch ms
 * @see contract, "The Audience API"
 */
export function createSchemas(now: () => number) {
  const userId = Joi.text().required().description("The customer's own id of the user").example('player-4711')
  const linkId = Joi.text().required().description('A D10x link id, as it came with the deep link').example('x7Gk2vQ9')
  const timestamp = Joi.timestamp()
    .notAfter(() => now() + MAX_AHEAD_MS)
    .description('When it happened: epoch ms or ISO-8601, at most 24 h ahead. Without it: now')
    .example('2026-05-30T12:55:00Z')
  return {
    identify: oneOrBatch(Joi.object<IdentifyItem>({ d10xLinkId: linkId, userId, timestamp }).id('Identification')),
    activity: oneOrBatch(Joi.object<ActivityItem>({ userId, timestamp }).id('Activity')),
    properties: oneOrBatch(
      Joi.object<PropertiesItem>({
        userId,
        properties: Joi.array().items(property()).max(MAX_PROPERTIES).required(),
        timestamp,
      }).id('UserProperties'),
    ),
    purchase: oneOrBatch(
      Joi.object<PurchaseItem>({
        userId,
        revenue: Joi.revenue().required().description('Below 0: a refund').example(49.99),
        purchaseId: Joi.text().description('Counts once, for ever').example('order-1001'),
        timestamp,
      }).id('Purchase'),
    ),
  }
}

function property() {
  return Joi.object({
    key: Joi.text().required().example('plan'),
    value: Joi.alternatives()
      .conditional('key', {
        is: Joi.valid(...NAME_KEYS),
        // biome-ignore lint/suspicious/noThenProperty: it is Joi's name
        then: value(Joi.text()),
        otherwise: value(Joi.text(MAX_VALUE_BYTES)),
      })
      .description('Without it the property is removed'),
  })
}

function value(text: BaseJoi.StringSchema) {
  return Joi.alternatives().try(text.allow('').strict(), Joi.number().unsafe().strict(), Joi.boolean().strict())
}

/**
 * Put together by a condition, so that a fault is told with the item's index in its path. A fault of the whole is the
 * body's: Joi itself would say "value".
 */
function oneOrBatch<Item>(item: BaseJoi.ObjectSchema<Item>): BaseJoi.AlternativesSchema<OneOrBatch<Item>> {
  const batch = Joi.object<{ batch: Item[] }>({
    batch: Joi.array().items(item).min(1).max(MAX_BATCH).required(),
  }).label('body')
  return Joi.alternatives()
    .conditional(Joi.object({ batch: Joi.any().required() }).unknown(), {
      // biome-ignore lint/suspicious/noThenProperty: it is Joi's name
      then: batch,
      otherwise: item.label('body'),
    })
    .required()
    .label('body')
}
